/* Runs the case that is named; lists all without one. */
#include "cases.h"

static struct {
	const char *name;
	void (*run)(void);
} cases[200];
static int count;

void add_case(const char *name, void (*run)(void))
{
	cases[count].name = name;
	cases[count++].run = run;
}

int main(int argc, char **argv)
{
	for (int i = 0; i < count; i++) {
		if (argc < 2) {
			puts(cases[i].name);
		} else if (strcmp(argv[1], cases[i].name) == 0) {
			cases[i].run();
			return 0;
		}
	}
	return argc < 2 ? 0 : 2;
}
