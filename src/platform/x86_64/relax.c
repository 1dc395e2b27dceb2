/* The pause of x86-64. */
#include "platform/cpus.h"

void tally__cpu_relax(void)
{
	__builtin_ia32_pause();
}
