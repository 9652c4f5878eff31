// What CUDA C has beside C++, as far as our kernels need it; what NVRTC lacks is taken away at the end.
//
// A kernel is run thread by thread (`runtime.cpp`). What isn't allowed is an error, which ends the launch.
#include <type_traits>
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
extern Index threadIdx, blockIdx, blockDim, gridDim;

// Functions of one number, each for both types; <math.h> takes longer to read than a kernel to compile.
#define ef_math(name)                     \
    extern "C" double name(double);       \
    extern "C" float name##f(float);      \
    inline float name(float x) { return name##f(x); }
ef_math(ceil) ef_math(cos) ef_math(erf) ef_math(exp) ef_math(expm1) ef_math(fabs) ef_math(floor) ef_math(log)
ef_math(log1p) ef_math(sin) ef_math(sqrt) ef_math(tanh)

void ef_barrier(int line);
void ef_exchange(void* number, int size, unsigned int mask, unsigned int step, int line);
const char* ef_launch(void (*body)(), const unsigned int* sizes, char* stacks);

template <class T> T ef_shuffle(unsigned int mask, T value, unsigned int step, int line) {
    static_assert(sizeof(T) <= 8 && std::is_arithmetic<T>::value, "shuffled are numbers");
    ef_exchange(&value, sizeof(T), mask, step, line);
    return value;
}

template <class... A> struct ef_Call {
    static inline void (*kernel)(A...);
    static inline void** given;
    template <unsigned long... N> static void run(std::index_sequence<N...>) { kernel(*(A*)given[N]...); }
    static void run() { run(std::index_sequence_for<A...>{}); }
};

template <class... A>
const char* ef_call(void (*kernel)(A...), void** given, const unsigned int* sizes, char* stacks) {
    ef_Call<A...>::kernel = kernel;
    ef_Call<A...>::given = given;
    return ef_launch(&ef_Call<A...>::run, sizes, stacks);
}

// A parameter: `a` for an array, `t` for a table of addresses, `f` and `i` for numbers; the bytes of what is pointed to
// or of itself, and where that may lie.
struct ef_Parameter { int what, size, alignment; };
template <class P> constexpr ef_Parameter ef_describe() {
    if constexpr (std::is_pointer<P>::value) {
        using To = typename std::remove_pointer<P>::type;
        return {std::is_pointer<To>::value ? 't' : 'a', sizeof(To), alignof(To)};
    } else {
        return {std::is_floating_point<P>::value ? 'f' : 'i', sizeof(P), alignof(P)};
    }
}

template <class... A> const ef_Parameter* ef_parameters(void (*)(A...)) {
    static constexpr ef_Parameter found[] = {ef_describe<A>()..., {0, 0, 0}};
    return found;
}

#define ef_export extern "C" __attribute__((visibility("default")))
#define ef_entry(name)                                                                                     \
    ef_export const char* ef_run_##name(void** given, const unsigned int* sizes, char* stacks) {           \
        return ef_call(&name, given, sizes, stacks);                                                       \
    }                                                                                                      \
    ef_export const ef_Parameter* ef_parameters_##name() { return ef_parameters(&name); }

#ifndef ef_RUNTIME
// NVRTC reads no headers: a kernel that names what they define can't be compiled.
#pragma GCC poison NAN INFINITY HUGE_VAL HUGE_VALF FLT_MAX FLT_MIN FLT_EPSILON DBL_MAX DBL_MIN INT_MAX INT_MIN M_PI
#pragma GCC poison std int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t uintptr_t
#pragma GCC poison malloc free memcpy memset NULL
#endif
