/* Stands in for a library of Windows 10 that Wine 8 has not got (Wine 10 has): Rust's standard library asks it for random
 * numbers. For verify.sh alone, never shipped. */
#include <windows.h>

/* RtlGenRandom of advapi32, which has no other name there. */
BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length)
{
    return SystemFunction036(bytes, (ULONG)length);
}
