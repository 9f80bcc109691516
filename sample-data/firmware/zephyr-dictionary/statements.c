/* What is logged: every type of argument, strings in both kinds of memory, data, lost messages. */
#include "log.h"

SOURCE(app);
SOURCE(pump_ctrl);
SOURCE(radio);

/* What is in memory that can be written is copied into the message. */
static char station[16] = "north well";
static char state[24] = "ramping up";
static char empty[4] = "";
static char measured[24] = "21.5 \xc2\xb0" "C";
static const uint8_t bytes[48] = "HEXDUMP! HEXDUMP@ HEXDUMP# 0123456789 abcdefghi";
static const uint8_t noise[21] = {0, 1, 2, 0x7f, 0x80, 0xff, 'a', '\n', '\r', ' ', '~', 0x0a, 0x10, 0x9f, '%', 's', '|', 5, 6, 7, 8};

void plain(void)
{
    PRINTK("*** Booting Zephyr OS build v4.0.0 ***\n");
    PRINTK("Hello World! %s\n", "qemu");
    LOG(ERR, app, "error string");
    LOG_DEBUG(app, "debug string");
    LOG(INF, app, "info string");
    LOG(WRN, pump_ctrl, "pressure %d kPa is above %u", -12, 4000000000u);
    LOG_DEBUG(app, "int8_t %d, uint8_t %u", (int8_t)-1, (uint8_t)200);
    LOG_DEBUG(app, "int16_t %d, uint16_t %u", (int16_t)-16, (uint16_t)60000);
    LOG_DEBUG(app, "int32_t %d, uint32_t %u", -32, 33u);
    LOG_DEBUG(app, "int64_t %lld, uint64_t %llu", -64000000000ll, 65000000000ull);
    LOG_DEBUG(app, "%d %lld %d %llu", 1, 2ll, 3, 4ull);
    LOG_DEBUG(app, "long %ld, %lu, %lx", -5l, 6ul, 0xbeeful);
    LOG_DEBUG(app, "char %c", '!');
    LOG(INF, radio, "s str %s %s", "static str", "c str");
    LOG(INF, radio, "d str %s", state);
    LOG(INF, radio, "mixed str %s %s %s %s %s %s %s", state, "---", state, "---", station, "---", station);
    LOG(INF, radio, "mixed c/s %c %s %s %s %c", '!', "static str", state, "static str", '!');
    LOG(INF, radio, "nothing <%s>", empty);
    LOG_DEBUG(radio, "pointer %p", (void *)0x2000a0b0);
    LOG(INF, pump_ctrl, "float %f, double %f, %.2f %8.3f|%-8.1f|%e %g", (double)66.67f, 68.69, -1.25, 3.0417, 2.25, 1500.0, 0.0001);
    LOG(INF, pump_ctrl, "%5d|%-5d|%05d|%x|%X|%#x|%o|%08x", 7, 7, -7, 255u, 0xabcu, 0x40u, 8u, 0xbeefu);
    LOG(INF, pump_ctrl, "%d%% of %s, %d mV", 97, station, 3300);
    LOG(INF, pump_ctrl, "%d %f %d %f %d", 1, 2.5, 3, 4.5, 5);
    DUMP(INF, radio, bytes, 26, "For HeXdUmP!");
    DUMP(ERR, radio, bytes, 1, "one");
    DUMP(WRN, radio, bytes, 8, "eight");
    DUMP(DBG, radio, bytes, 16, "sixteen");
    DUMP(DBG, radio, bytes, 40, "forty");
    dropped(12);
    LOG(WRN, app, "after the gap");
    dropped(1);
    LOG_FLAGS(RO_POSITIONS, INF, app, "positions %s %s", "constant", station);
    LOG_FLAGS(RO_POSITIONS, INF, app, "positions %d %s", 5, state);
    for (int i = 0; i < 12; i++) {
        LOG(i % 4 == 3 ? WRN : INF, pump_ctrl, "flow %d ml/s, level %u.%u m", 90 + i, 2u, (unsigned)i);
    }
}

void wide(void)
{
    LOG(INF, app, "%zu and %zd, %jd, %td", (size_t)4096, (ptrdiff_t)-4, (intmax_t)-7000000000ll, (ptrdiff_t)12);
    LOG(INF, app, "%*d|%-*d|%.*f|%.*s|", 6, 42, 6, 42, 2, 3.14159, 4, "truncated");
    LOG(INF, app, "%hhd %hd %hhu %hu", (signed char)-3, (short)-300, (unsigned char)250, (unsigned short)65000);
    LOG(INF, app, "|%8s|%-8s|%.3s|%c%c|", "right", "left", station, 'o', 'k');
    LOG(INF, radio, "it is %s at %s", measured, station);
    LOG(INF, radio, "%lli %llx %#llx %llX", -1ll, 0xdeadbeefcafeull, 255ull, 0xabcdefull);
    LOG(INF, radio, "%+d % d %+.1e %G", 5, 5, 12345.678, 1e-10);
    LOG(INF, radio, "long double %Lf and %d, %.3Le", 70.71L, 9, -0.001953125L);
    LOG(INF, radio, "no argument, 100%%");
    DUMP(INF, radio, noise, sizeof noise, "noise");
    LOG_TAGGED(INF, app, "tagged %d %u %s %s", T(-5), T(7u), T((const char *)"constant"), T((char *)state));
    LOG_TAGGED(INF, app, "tagged %lld and %f, %c", T(-70000000000ll), T(2.5), T((char)'x'));
    LOG_TAGGED(WRN, app, "tagged %ld %hhu %p %Lf", T(-9l), T((unsigned char)9), T((void *)0x1234), T(0.5L));
    LOG_TAGGED(WRN, app, "tagged, nothing" , T(0));
    LOG_FLAGS(TAGGED | RO_POSITIONS, WRN, app, "tagged %s and %s", T((const char *)"here"), T((char *)station));
}
