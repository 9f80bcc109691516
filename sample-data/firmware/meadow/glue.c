/* What the common board code and the SDK want to know of this product. */
#include "board.h"
#include "clock.h"
#include "console.h"
#include "fault.h"
#include "fs_port_freertos.h"

#include "semphr.h"
#include "task.h"

#define PRODUCT "meadow-station"
#ifndef VERSION
#define VERSION "0.4.0"
#endif

extern uint32_t _data_start, _bss_end;
extern SemaphoreHandle_t console_lock;

/* Survives a reset; the scene that is played, one a boot. */
static struct {
    uint32_t magic, scene;
} survivor __attribute__((section(".noinit")));

static const char *reset_reason = "power on";
uint32_t scene;

uint32_t uptime_ms(void) { return (uint32_t)xTaskGetTickCountFromISR() * MS_PER_TICK; }
uint32_t fs_port_uptime_ms(void) { return uptime_ms(); }

/* The clock is set by the network, some minutes after each boot. */
static uint32_t booted_at;
void clock_set(void) { booted_at = 1795996800u + 86400u * scene - uptime_ms() / 1000u; }
uint32_t fs_port_time(void) { return booted_at ? booted_at + uptime_ms() / 1000u : 0; }

void fs_port_write(const void *bytes, size_t size) {
    int shared = xTaskGetSchedulerState() == taskSCHEDULER_RUNNING;
    if (shared) xSemaphoreTake(console_lock, portMAX_DELAY);
    for (size_t i = 0; i < size; i++) uart_putc(((const char *)bytes)[i]);
    /* In the middle of sending, and nobody says why: the first chunk of a heartbeat is out, the next never comes. */
    const char *text = bytes;
    if (scene == 3 && uptime_ms() > 9u * 3600000u && text[3] == 'E' && text[4] == 'Q' && text[5] == 'A') board_reset();
    if (shared) xSemaphoreGive(console_lock);
}

/* Before main(). */
void fault_init(void) {
    if (survivor.magic == 0x4D454144u) {
        survivor.scene++;
        reset_reason = "software";
    } else {
        survivor.magic = 0x4D454144u;
        survivor.scene = 0;
    }
    scene = survivor.scene;
}

void product_start(void) {
    static struct fs_region regions[1];
    static struct fs_device device = {.serial = "MS-00271", .hardware = "mps2-an386", .software_type = PRODUCT, .software_version = VERSION,
                                      .build_id_size = 20, .heartbeat_ms = 3600000, .regions = regions, .n_regions = 1};
    regions[0].start = &_data_start;
    regions[0].size = (size_t)((uint8_t *)&_bss_end - (uint8_t *)&_data_start);
    /* The note: three words (name size, description size, type), "GNU\0", then the id. */
    device.build_id = _build_id_note + 16;
    device.reset_reason = scene ? FS_REASON_SOFTWARE : FS_REASON_POWER_ON;
    console_banner(PRODUCT, VERSION);
    fs_init(&device);
}

uint32_t fault_boot_count(void) { return scene + 1; }
const char *fault_reset_reason(void) { return reset_reason; }
_Noreturn void fault_unexpected_interrupt(void) { fs_assert_failed(); }
void vApplicationIdleHook(void) { __asm volatile("wfi"); }
