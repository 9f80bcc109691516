// One small program: classes, inheritance, references, templates, containers, inlining, recursion, a crash at the end.
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

extern "C" void observe(const void *what);
extern "C" uint32_t unknown_number();
extern "C" uint32_t nowhere();

// The library's needs of the platform.
namespace {
alignas(8) std::byte arena[1536];
std::size_t arena_used;
}
void *operator new(std::size_t size) {
    void *found = arena + arena_used;
    arena_used += (size + 7) & ~std::size_t{7};
    return found;
}
void operator delete(void *) noexcept {}
void operator delete(void *, std::size_t) noexcept {}
extern "C" void __cxa_pure_virtual() { for (;;) { } }
extern "C" void abort() { for (;;) { } }
namespace std {
void __throw_length_error(const char *) { for (;;) { } }
void __throw_logic_error(const char *) { for (;;) { } }
void __throw_bad_alloc() { for (;;) { } }
void __throw_bad_array_new_length() { for (;;) { } }
}

#ifndef __OPTIMIZE__
// The library's own copies of these are not linked.
template class std::allocator<char>;
template class std::basic_string<char>;
#endif

namespace plant {

enum class Mode : uint8_t { Idle, Running = 3, Stopped };
enum Colour { Red, Green = 5 };

struct Point {
    int16_t x, y;
    static int made;
    static constexpr int origin = 7;
    Point(int16_t x, int16_t y) : x(x), y(y) { made++; }
};
int Point::made = 0;

template <typename T, std::size_t N> class Ring {
public:
    void push(const T &item) {
        items[head] = item;
        head = (head + 1) % N;
        if (count < N) count++;
    }
    const T &last() const { return items[(head + N - 1) % N]; }
    std::size_t size() const { return count; }

private:
    T items[N] = {};
    std::size_t head = 0, count = 0;
};

class Device {
public:
    explicit Device(uint32_t id) : id_(id) {}
    virtual int read(int channel) = 0;
    virtual const char *name() const { return "device"; }
    uint32_t id() const { return id_; }

protected:
    uint32_t id_;
};

struct Logger {
    const char *prefix = "log";
    uint8_t lines = 3;
};

class Sensor : public Device, private Logger {
public:
    Sensor(uint32_t id, Mode mode, Point at) : Device(id), mode_(mode), at_(at) {}
    int read(int channel) override;
    const char *name() const override { return "sensor"; }
    static int calls;

private:
    Mode mode_;
    Point at_;
    Ring<int16_t, 4> history_;
    bool ready_ = true;
};
int Sensor::calls = 0;

class Probe final : public Sensor {
public:
    Probe(uint32_t id, float gain) : Sensor(id, Mode::Running, Point(3, -4)), gain_(gain) {}
    int read(int channel) override;

private:
    float gain_;
};

template <typename T> struct Limits {
    T low, high;
    T clamp(T value) const { return value < low ? low : value > high ? high : value; }
};

// Never called: the linker drops them, their debug information stays.
int dropped_first(int a) { return a * 3; }
template <typename T> T dropped_template(T value) { return value + value; }
template int dropped_template<int>(int);

[[gnu::always_inline]] static inline void write_word(volatile uint32_t *to, uint32_t value) {
    uint32_t doubled = value * 2;
    *to = doubled;
}

[[gnu::noinline]] static void poke(uint32_t where, uint8_t small, const Point &at, Mode mode) {
    uint16_t mark = static_cast<uint16_t>(small + 0x100);
    observe(&mark);
    write_word(reinterpret_cast<volatile uint32_t *>(where), mark + static_cast<uint32_t>(at.x) + static_cast<uint32_t>(mode));
    observe(&mark);
}

template <typename T>
[[gnu::noinline]] static T store(const Limits<T> &limits, T value, std::string_view what, std::optional<uint16_t> maybe) {
    T kept = limits.clamp(value);
    std::optional<uint16_t> none;
    std::variant<int, float, Colour> either = 2.5f;
    std::array<uint8_t, 5> bytes = {1, 2, 3, 4, 5};
    std::pair<char, int32_t> pair = {'p', -9};
    std::tuple<int8_t, bool, uint64_t> three = {int8_t{-1}, true, 1ull << 33};
    int16_t Point::*member = &Point::y;
    const char *(Device::*method)() const = &Device::name;
    std::nullptr_t null = nullptr;
    observe(&none), observe(&either), observe(&bytes), observe(&pair), observe(&three), observe(&member), observe(&method), observe(&null);
    Point at(static_cast<int16_t>(what.size()), static_cast<int16_t>(maybe.value_or(0)));
    poke(nowhere(), static_cast<uint8_t>(kept), at, Mode::Stopped);
    observe(&maybe), observe(&at);
    return kept;
}

int Sensor::read(int channel) {
    calls++;
    history_.push(static_cast<int16_t>(channel * 11));
    Limits<int> limits{-5, 90};
    std::string name = "a short one";
    std::string longer = "a name that does not fit into the object itself";
    std::vector<int16_t> values = {1, 2, 3, 5, 8};
    std::span<const int16_t> view(values.data(), 3);
    observe(&name), observe(&longer), observe(&values), observe(&view);
    int stored = store(limits, channel * 30 + history_.last(), name, uint16_t{77});
    return stored + static_cast<int>(values.size());
}

int Probe::read(int channel) {
    auto scaled = [this, channel](float extra) { return static_cast<int>(gain_ * static_cast<float>(channel) + extra); };
    int value = Sensor::read(scaled(0.5f));
    observe(&scaled);
    return value;
}

[[gnu::noinline]] int walk(Device &device, unsigned depth) {
    unsigned square = depth * depth;
    const Sensor &sensor = static_cast<const Sensor &>(device);
    const uint32_t id = device.id();
    observe(&square), observe(&sensor), observe(&id);
    if (depth == 0) return device.read(static_cast<int>(unknown_number())) + static_cast<int>(square);
    return walk(device, depth - 1) + static_cast<int>(square);
}

}  // namespace plant

int main() {
    plant::Probe probe(0xC0FFEE, 1.25f);
    plant::Sensor sensor(17, plant::Mode::Idle, plant::Point(1, 2));
    plant::Device *devices[] = {&probe, &sensor};
    plant::Colour colour = plant::Green;
    observe(devices), observe(&colour);
    int answer = plant::walk(*devices[0], 2);
    observe(&answer);
    for (;;) { }
}
