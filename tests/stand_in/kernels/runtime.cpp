// Runs a kernel, thread by thread; it is linked into the library of each kernel.
//
// Where threads wait for each other (a barrier, a shuffle), each is a fiber with a stack of its own, and waiting goes on
// with the next one.
#define ef_RUNTIME
#include "shim.h"
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

Index threadIdx, blockIdx, blockDim, gridDim;

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

void ef_barrier(int line) { ef_wait(ef_AT_BARRIER, line); }

void ef_exchange(void* number, int size, unsigned int mask, unsigned int step, int line) {
    if (mask != 0xffffffffu || step > 31) ef_fail("line %d: a shuffle of a part of a warp", line);
    memcpy(ef_now->value, number, size);
    ef_now->step = step % 32;
    ef_wait(ef_AT_SHUFFLE, line);
    memcpy(number, ef_now->value, size);
}

static void ef_run_fiber() {
    ef_body();
    ef_now->state = ef_DONE;
}

// Let warps go on whose lanes have all come to one shuffle; says whether there are any.
static bool ef_meet(int count) {
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
        const bool shuffled = ef_meet(count), passed = ef_pass(count);
        if (!shuffled && !passed) ef_fail("line %d: threads wait for others that never come here", line);
    }
}

// An error in words, or nothing. `stacks` are there for kernels whose threads wait.
const char* ef_launch(void (*body)(), const unsigned int* sizes, char* stacks) {
    ef_body = body;
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

// What the compiler calls for an index outside of an array whose length it knows (-fsanitize=bounds).
extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_out_of_bounds(void* place, unsigned long index) {
    const unsigned int line = *(const unsigned int*)((char*)place + sizeof(char*));
    ef_fail("line %u: index %ld is out of bounds", line, (long)index);
}
