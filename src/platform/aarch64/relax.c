/* The pause of aarch64. `yield` is a no-op on most cores; `isb` stops one for about as long as x86's pause. */
#include "platform/cpus.h"

void tally__cpu_relax(void)
{
	__asm__("isb" ::: "memory");
}
