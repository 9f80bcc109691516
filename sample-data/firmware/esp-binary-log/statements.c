/* What is logged: every type of argument, strings in the ELF and in memory, buffers. */
#include "log.h"

NOLOAD const char buffer_hex[] = "__ESP_BUFFER_HEX_FORMAT__ len %d, array %s, address %p";
NOLOAD const char buffer_char[] = "__ESP_BUFFER_CHAR_FORMAT__ len %d, array %s, address %p";
NOLOAD const char buffer_hexdump[] = "__ESP_BUFFER_HEXDUMP_FORMAT__ len %d, array %s, address %p";

/* Tags are loaded when their levels can be set, and else not. */
static const char *const TAG = "wifi";
static NOLOAD const char PUMP[] = "pump_ctrl";
uint64_t now;

/* What is in memory that can be written is copied into the frame. */
static char station[16] = "north well";
static char state[24] = "ramping up";
static char measured[24] = "21.5 \xc2\xb0" "C";
static char task[8] = "sys_evt";
static char letter[4] = "x";
static char empty[4] = "";
static char loaded_format[32] = "made at run time: %d";
static const uint8_t constant[48] = "HEXDUMP! HEXDUMP@ HEXDUMP# 0123456789 abcdefghi";
/* Without a percent sign: Espressif's monitor takes one in a dump for a conversion and ends. */
static uint8_t noise[21] = {0, 1, 2, 0x7f, 0x80, 0xff, 'a', '\n', '\r', ' ', '~', 0x0a, 0x10, 0x9f, '#', 's', '|', 5, 6, 7, 8};

void plain(void)
{
    LOG(INFO, TAG, "mode : sta (%02x:%02x:%02x)", A(0x7cu), A(0xdfu), A(0xa1u));
    LOG(ERROR, PUMP, "pressure %d kPa is above %u", A(-12), A(4000000000u));
    LOG(WARN, TAG, "no argument, 100%%");
    LOG(DEBUG, task, "the tag is in memory");
    LOG(VERBOSE, TAG, "int8_t %d, uint8_t %u", A((int8_t)-1), A((uint8_t)200));
    LOG(VERBOSE, TAG, "%hhd %hd %hhu %hu", A((signed char)-3), A((short)-300), A((unsigned char)250), A((unsigned short)65000));
    LOG(VERBOSE, TAG, "%lld %llu %llx", A(-64000000000ll), A(65000000000ull), A(0xdeadbeefcafeull));
    LOG(VERBOSE, TAG, "%d %lld %d %llu", A(1), A(2ll), A(3), A(4ull));
    LOG(VERBOSE, TAG, "long %ld, %lu, %lx", A(-5l), A(6ul), A(0xbeeful));
    LOG(INFO, TAG, "char %c%c", A('o'), A('k'));
    LOG(INFO, TAG, "s str %s %s", A((const char *)"static str"), A((const char *)"c str"));
    LOG(INFO, TAG, "d str %s", A((char *)state));
    LOG(INFO, TAG, "mixed %s %s %d %s %s", A((char *)state), A((const char *)"---"), A(5), A((char *)station), A((const char *)"end"));
    LOG(INFO, TAG, "it is %s at %s", A((char *)measured), A((char *)station));
    LOG(INFO, TAG, "pointer %p", A((void *)0x3fc9a0b0));
    LOG(INFO, PUMP, "float %f, double %f, %.2f %8.3f|%-8.1f|%e %g", A((float)66.5f), A(68.69), A(-1.25), A(3.0417), A(2.25), A(1500.0), A(0.0001));
    LOG(INFO, PUMP, "%5d|%-5d|%05d|%x|%X|%#x|%o|%08x", A(7), A(7), A(-7), A(255u), A(0xabcu), A(0x40u), A(8u), A(0xbeefu));
    LOG(INFO, PUMP, "|%8s|%-8s|%.3s|", A((const char *)"right"), A((const char *)"left"), A((char *)station));
    LOG(INFO, PUMP, "%d %f %d %f %d", A(1), A(2.5), A(3), A(4.5), A(5));
    LOG(INFO, PUMP, "%+d % d %+.1e", A(5), A(5), A(12345.678));
    LOG_LOADED(INFO, TAG, "the format string is loaded, %s %d", A((char *)state), A(7));
    LOG_LOADED(INFO, TAG, loaded_format, A(77));
    now = 0x0000019a2b3c4d00;
    LOG(INFO, TAG, "the time is %s", A((const char *)"known"));
    now = 90000;
    for (int i = 0; i < 12; i++) {
        if (i % 4 == 3) {
            LOG(WARN, PUMP, "flow %d ml/s, level %u.%u m", A(90 + i), A(2u), A((unsigned)i));
        } else {
            LOG(INFO, PUMP, "flow %d ml/s of %s", A(90 + i), A((char *)station));
        }
    }
}

void buffers(void)
{
    BUFFER(INFO, TAG, buffer_hex, constant, 40);
    BUFFER(INFO, TAG, buffer_char, constant, 26);
    BUFFER(WARN, PUMP, buffer_hexdump, constant, 48);
    BUFFER(INFO, TAG, buffer_hex, noise, 16);
    BUFFER(ERROR, task, buffer_hexdump, noise, sizeof noise);
    BUFFER(INFO, TAG, buffer_hexdump, noise, 9);
}

void wide(void)
{
    LOG(INFO, TAG, "%zu and %zd, %jd, %td", A((size_t)4096), A((ptrdiff_t)-4), A((intmax_t)-7000000000ll), A((ptrdiff_t)12));
    LOG(INFO, TAG, "%*d|%-*d|%.*f|%.*s|", A(6), A(42), A(6), A(42), A(2), A(3.14159), A(4), A((const char *)"truncated"));
    LOG(INFO, TAG, "|%3c|%.5d|", A('c'), A(-42));
    LOG(INFO, TAG, "<%s> and <%s>", A((char *)letter), A((char *)empty));
    LOG(INFO, letter, "a tag of one letter");
    LOG(WARN, TAG, "behind it %d", A(3));
}

void boot(void)
{
    static NOLOAD const char BOOT[] = "boot";
    now = 13;
    LOG(INFO, BOOT, "ESP-IDF %s 2nd stage bootloader", A((const char *)"v6.0"));
    LOG(INFO, BOOT, "chip revision: v%d.%d", A(0), A(4));
    LOG(DEBUG, BOOT, "magic %02x, segments %02x", A(0xe9), A(5));
    LOG(INFO, BOOT, "Loaded app from partition at offset 0x%lx", A(0x10000l));
}
