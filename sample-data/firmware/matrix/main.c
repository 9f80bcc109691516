/* One small program: nested calls with arguments and locals of many types, inlining, recursion, a crash at the end. */
#include <stdbool.h>
#include <stdint.h>

void observe(const void *what);
uint32_t unknown_number(void);
uint32_t nowhere(void);

enum mode { MODE_IDLE, MODE_RUN = 4, MODE_STOP = 9 };
enum flag { FLAG_READY = 1, FLAG_DIRTY = 2, FLAG_LOST = 8 };
enum level { LEVEL_LOW = -2, LEVEL_MID, LEVEL_HIGH };

typedef struct { int16_t x, y; } point_t;
typedef struct ring ring_t;

union word {
    uint32_t u;
    float f;
    uint8_t b[4];
};

struct sensor {
    const char *name;
    enum mode mode;
    unsigned ready : 1;
    unsigned gain : 5;
    int bias : 6;
    union word raw;
    point_t at[2];
    double scale;
    struct sensor *next;
    int (*read)(struct sensor *, int);
    struct { uint8_t lo, hi; } limits;
    union { uint16_t serial; uint8_t serial_bytes[2]; };
};

static struct sensor sensors[2];
static const char *const names[] = {"north", "south", "a name that is longer than the others"};
uint64_t total;
volatile float last_reading;

/* Never called: the linker drops it, its debug information stays. */
int dropped_first(int a) { return a * 3; }
int dropped_second(const char *text, int b) {
    int local = b + 1;
    observe(text);
    return local * 2;
}

static inline __attribute__((always_inline)) void write_word(volatile uint32_t *to, uint32_t value) {
    uint32_t doubled = value * 2;
    *to = doubled;
}

static inline __attribute__((always_inline)) int32_t clamp(int32_t value, int32_t low, int32_t high) {
    int32_t kept = value;
    if (kept < low) kept = low;
    if (kept > high) kept = high;
    return kept;
}

static __attribute__((noinline)) void poke(uint32_t where, uint8_t small, char letter, bool sure) {
    uint16_t mark = (uint16_t)(small + 0x100);
    observe(&mark);
    if (sure) write_word((volatile uint32_t *)where, mark + (uint32_t)letter);
    observe(&mark);
}

static __attribute__((noinline)) double store(float reading, double scale, int64_t wide, point_t at, const struct sensor *from) {
    double result = reading * scale;
    int8_t history[6] = {1, -2, 3, -4, 5, -6};
    point_t corner = {at.y, at.x};
    char text[12] = "reading";
    enum flag flags = FLAG_READY | FLAG_LOST;
    enum level level = LEVEL_LOW;
    history[2] = (int8_t)wide;
    observe(history);
    observe(&corner);
    observe(text);
    observe(&flags);
    observe(&level);
    total += (uint64_t)wide;
    poke(nowhere(), (uint8_t)history[1], text[1], from->ready);
    last_reading = (float)result;
    return result + corner.x + flags + level;
}

static __attribute__((noinline)) int read_sensor(struct sensor *self, int channel) {
    int32_t limited = clamp(channel * 100, -50, 250);
    union word raw = {.f = 1.5f};
    struct sensor copy = *self;
    copy.raw = raw;
    observe(&copy);
    observe(&raw);
    self->raw.u = (uint32_t)limited;
    double stored = store(raw.f + (float)channel, copy.scale, -5000000000ll - channel, self->at[1], self);
    return (int)stored + limited;
}

static __attribute__((noinline)) int walk(struct sensor *first, unsigned depth, const char *label) {
    unsigned square = depth * depth;
    observe(&square);
    int sum;
    if (depth == 0) {
        int inner = first->read(first, (int)unknown_number());
        sum = inner + (int)square;
    } else {
        struct sensor *next = first->next ? first->next : first;
        sum = walk(next, depth - 1, label + 1) + (int)square;
    }
    observe(label);
    return sum;
}

static __attribute__((noinline)) long long run(uint32_t rounds, long long start, const char *label, volatile int *counter) {
    long long value = start;
    for (uint32_t i = 0; i < rounds; i++) {
        int step = walk(&sensors[i & 1], 2, label);
        *counter += step;
        value += step;
    }
    return value;
}

int main(void) {
    volatile int counter = 7;
    uint32_t matrix[2][3] = {{1, 2, 3}, {4, 5, 6}};
    for (unsigned i = 0; i < 2; i++) {
        struct sensor *s = &sensors[i];
        s->name = names[i];
        s->mode = i ? MODE_RUN : MODE_STOP;
        s->ready = 1;
        s->gain = 17 + i;
        s->bias = -3;
        s->scale = 0.25 * (i + 1);
        s->at[1].x = 11;
        s->at[1].y = (int16_t)-22;
        s->next = &sensors[1 - i];
        s->read = read_sensor;
        s->limits.hi = 200;
        s->serial = 0x1234;
    }
    observe(matrix);
    observe(sensors);
    long long answer = run(unknown_number(), 1ll << 40, names[2], &counter);
    observe(&answer);
    for (;;) { }
}
