// What CUDA C has beside C++, as far as our kernels need it; what NVRTC lacks is taken away at the end.
//
// A kernel is run thread by thread. Where threads wait for each other (a barrier, a shuffle), each is a fiber with a
// stack of its own, and waiting goes on with the next one. What isn't allowed is an error, which ends the launch.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <type_traits>
#include <ucontext.h>
#include <utility>

#define __global__
#define __device__
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("shared_memory")))
#define __syncthreads() ef_barrier(__LINE__)
#define __shfl_xor_sync(mask, value, step) ef_shuffle(mask, value, step, __LINE__)

struct Index { unsigned int x, y, z; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
static Index threadIdx, blockIdx, blockDim, gridDim;

// Where a file has no shared memory, there are no such symbols.
extern "C" char __start_shared_memory[] __attribute__((weak, visibility("hidden")));
extern "C" char __stop_shared_memory[] __attribute__((weak, visibility("hidden")));

enum ef_State { ef_READY, ef_AT_BARRIER, ef_AT_SHUFFLE, ef_DONE };
struct ef_Fiber {
    ucontext_t context;
    ef_State state;
    int line;  // where it waits
    unsigned int step;
    unsigned char value[8];
    Index thread;
};
constexpr int ef_STACK = 1 << 16, ef_MOST = 1024;
static ef_Fiber ef_fibers[ef_MOST], *ef_now;
static ucontext_t ef_home;
static void (*ef_body)();
static char ef_error[256];

#define ef_fail(...) (ef_error[0] ? 0 : snprintf(ef_error, sizeof ef_error, __VA_ARGS__))

static void ef_wait(ef_State state, int line) {
    ef_now->state = state;
    ef_now->line = line;
    swapcontext(&ef_now->context, &ef_home);
}

static inline void ef_barrier(int line) { ef_wait(ef_AT_BARRIER, line); }

template <class T> T ef_shuffle(unsigned int mask, T value, unsigned int step, int line) {
    static_assert(sizeof(T) <= 8 && std::is_arithmetic<T>::value, "shuffled are numbers");
    if (mask != 0xffffffffu || step > 31) ef_fail("line %d: a shuffle of a part of a warp", line);
    memcpy(ef_now->value, &value, sizeof(T));
    ef_now->step = step % 32;
    ef_wait(ef_AT_SHUFFLE, line);
    memcpy(&value, ef_now->value, sizeof(T));
    return value;
}

static void ef_run_fiber() {
    ef_body();
    ef_now->state = ef_DONE;
}

// Let warps go on whose lanes have all come to one shuffle; says whether there are any.
static bool ef_exchange(int count) {
    bool any = false;
    for (int first = 0; first + 32 <= count; first += 32) {
        ef_Fiber* warp = ef_fibers + first;
        bool all = true;
        for (int i = 0; i < 32; ++i) all = all && warp[i].state == ef_AT_SHUFFLE && warp[i].line == warp[0].line;
        if (!all) continue;
        unsigned char values[32][8];
        for (int i = 0; i < 32; ++i) memcpy(values[i], warp[i ^ warp[i].step].value, 8);
        for (int i = 0; i < 32; ++i) {
            memcpy(warp[i].value, values[i], 8);
            warp[i].state = ef_READY;
        }
        any = true;
    }
    return any;
}

// Let the block go on if all its threads that still run have come to one barrier.
static bool ef_pass(int count) {
    int line = 0;
    for (int i = 0; i < count; ++i) {
        const ef_Fiber& fiber = ef_fibers[i];
        if (fiber.state == ef_DONE) continue;
        if (fiber.state != ef_AT_BARRIER || (line && fiber.line != line)) return false;
        line = fiber.line;
    }
    for (int i = 0; i < count; ++i)
        if (ef_fibers[i].state == ef_AT_BARRIER) ef_fibers[i].state = ef_READY;
    return line != 0;
}

// The threads of a block, each till it waits; forwards and backwards in turn, so that a missing barrier shows.
static void ef_run_block(int count, char* stacks) {
    for (int i = 0; i < count; ++i) {
        ef_Fiber& fiber = ef_fibers[i];
        fiber.state = ef_READY;
        fiber.thread = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = stacks + (long long)i * ef_STACK;
        fiber.context.uc_stack.ss_size = ef_STACK;
        fiber.context.uc_link = &ef_home;
        makecontext(&fiber.context, ef_run_fiber, 0);
    }
    for (int round = 0; !ef_error[0]; ++round) {
        int waiting = 0, line = 0;
        for (int k = 0; k < count; ++k) {
            ef_now = ef_fibers + (round % 2 ? count - 1 - k : k);
            if (ef_now->state == ef_READY) {
                threadIdx = ef_now->thread;
                swapcontext(&ef_home, &ef_now->context);
            }
            if (ef_now->state != ef_DONE) ++waiting, line = ef_now->line;
        }
        if (!waiting) return;
        const bool shuffled = ef_exchange(count), passed = ef_pass(count);
        if (!shuffled && !passed) ef_fail("line %d: threads wait for others that never come here", line);
    }
}

template <class... A> struct ef_Call {
    static inline void (*kernel)(A...);
    static inline void** given;
    template <size_t... N> static void run(std::index_sequence<N...>) { kernel(*(A*)given[N]...); }
    static void run() { run(std::index_sequence_for<A...>{}); }
};

// An error in words, or nothing. `stacks` are there for kernels whose threads wait.
template <class... A>
const char* ef_launch(void (*kernel)(A...), void** given, const unsigned int* sizes, char* stacks) {
    ef_Call<A...>::kernel = kernel;
    ef_Call<A...>::given = given;
    ef_body = &ef_Call<A...>::run;
    ef_error[0] = 0;
    gridDim = {sizes[0], sizes[1], sizes[2]};
    blockDim = {sizes[3], sizes[4], sizes[5]};
    const long long shared = __stop_shared_memory - __start_shared_memory;
    if (shared > 48 << 10) ef_fail("%lld bytes of shared memory, of 49152 that there are", shared);
    const int count = blockDim.x * blockDim.y * blockDim.z;
    for (unsigned int z = 0; z < gridDim.z; ++z)
        for (unsigned int y = 0; y < gridDim.y; ++y)
            for (unsigned int x = 0; x < gridDim.x && !ef_error[0]; ++x) {
                blockIdx = {x, y, z};
                if (shared) memset(__start_shared_memory, 0xff, shared);
                if (stacks) {
                    ef_run_block(count, stacks);
                    continue;
                }
                for (int i = 0; i < count; ++i) {
                    threadIdx = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
                    ef_body();
                }
            }
    return ef_error;
}

// A parameter in words: what it is, the bytes of what is pointed to or of itself, and where that may lie.
template <class P> int ef_describe(char* to, size_t room) {
    if constexpr (std::is_pointer<P>::value) {
        using To = typename std::remove_pointer<P>::type;
        return snprintf(to, room, "%s %zu %zu;", std::is_pointer<To>::value ? "table" : "array", sizeof(To), alignof(To));
    } else {
        return snprintf(to, room, "%s %zu %zu;", std::is_floating_point<P>::value ? "f" : "i", sizeof(P), alignof(P));
    }
}

template <class... A> const char* ef_parameters(void (*)(A...)) {
    static char text[2048];
    size_t used = 0;
    text[0] = 0;
    ((used += ef_describe<A>(text + used, sizeof text - used)), ...);
    return text;
}

#define ef_export extern "C" __attribute__((visibility("default"))) const char*
#define ef_entry(name)                                                                             \
    ef_export ef_run_##name(void** given, const unsigned int* sizes, char* stacks) {               \
        return ef_launch(&name, given, sizes, stacks);                                             \
    }                                                                                              \
    ef_export ef_parameters_##name() { return ef_parameters(&name); }

// What the compiler calls for an index outside of an array whose length it knows (-fsanitize=bounds).
extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_out_of_bounds(void* place, unsigned long index) {
    const unsigned int line = *(const unsigned int*)((char*)place + sizeof(char*));
    ef_fail("line %u: index %ld is out of bounds", line, (long)index);
}

// NVRTC reads no headers: a kernel that names what they define can't be compiled.
#pragma GCC poison NAN INFINITY HUGE_VAL HUGE_VALF FLT_MAX FLT_MIN FLT_EPSILON DBL_MAX DBL_MIN INT_MAX INT_MIN M_PI
#pragma GCC poison std int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t uintptr_t
#pragma GCC poison malloc free memcpy memset NULL
