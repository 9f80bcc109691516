/* The smallest program that can be packed and run in place of Fieldscope: it says its version. Never shipped; with it the
 * tables of the package and an upgrade from another version can be tried within seconds. */
#include <stdio.h>

int main(void)
{
    puts("fieldscope " STAND_IN_VERSION);
    return 0;
}
