/* Format strings as pw_tokenizer stores them: in a section that is not loaded, each with a header that tools search for
 * (pw_tokenizer, "Token databases"). The tokens are made by scripts/make-token-fixtures, which knows the hash. */
#include <stdint.h>

#define ENTRY(name, number, domain_text, text)                                                           \
    __attribute__((section(".pw_tokenizer.entries." #name), used)) static const struct __attribute__((packed)) { \
        uint32_t magic, token, domain_length, string_length;                                             \
        char domain[sizeof(domain_text)], string[sizeof(text)];                                          \
    } name = {0xBAA98DEE, number, sizeof(domain_text), sizeof(text), domain_text, text};

#include "entries.h"

void Reset_Handler(void);
void Reset_Handler(void) { for (;;) { } }
