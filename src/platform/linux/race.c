/* ThreadSanitizer's view of tasks, in the race build of the library. */
#include "platform/race.h"

#ifdef TALLY_RACE

#include <link.h>
#include <stdlib.h>

#include <tally/atomic.h>

#include "platform/die.h"
#include "platform/lock.h"

/* Its runtime; without it the program is not built for it, and nothing is told. */
#define FROM_RUNTIME __attribute__((weak))

void *__tsan_get_current_fiber(void) FROM_RUNTIME;
void *__tsan_create_fiber(unsigned flags) FROM_RUNTIME;
void __tsan_switch_to_fiber(void *fiber, unsigned flags) FROM_RUNTIME;
void __tsan_set_fiber_name(void *fiber, const char *name) FROM_RUNTIME;
void __tsan_acquire(void *address) FROM_RUNTIME;
void __tsan_release(void *address) FROM_RUNTIME;
void __tsan_func_entry(void *caller) FROM_RUNTIME;
void __tsan_func_exit(void) FROM_RUNTIME;
void __tsan_read1_pc(void *address, void *caller) FROM_RUNTIME;
void __tsan_write1_pc(void *address, void *caller) FROM_RUNTIME;
void AnnotateIgnoreReadsBegin(const char *file, int line) FROM_RUNTIME;
void AnnotateIgnoreReadsEnd(const char *file, int line) FROM_RUNTIME;
void AnnotateIgnoreWritesBegin(const char *file, int line) FROM_RUNTIME;
void AnnotateIgnoreWritesEnd(const char *file, int line) FROM_RUNTIME;
void AnnotateIgnoreSyncBegin(const char *file, int line) FROM_RUNTIME;
void AnnotateIgnoreSyncEnd(const char *file, int line) FROM_RUNTIME;
void AnnotateBenignRaceSized(const char *file, int line, const void *start, size_t bytes,
			     const char *why) FROM_RUNTIME;

#define NO_ORDER 1U /* a flag of __tsan_switch_to_fiber */

static bool there(void)
{
	return __tsan_create_fiber != NULL;
}

/* A new fiber knows what its creator knows, and reports say where it was created, which for a fiber that is
 * used again is beside the point. So all are created by one that knows of nothing and is nowhere. It is not
 * made before it is needed: with it, ThreadSanitizer counts a second thread, and lets no child of a fork start
 * any. */
static struct {
	struct tally__lock lock; /* only one thread can be it */
	void *fiber;
} root;

void *tally__race_current(void)
{
	return there() ? __tsan_get_current_fiber() : NULL;
}

void *tally__race_fiber_new(void)
{
	if (!there())
		return NULL;
	void *self = __tsan_get_current_fiber();
	tally__lock_acquire(&root.lock);
	if (root.fiber == NULL) {
		AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
		root.fiber = __tsan_create_fiber(0);
		AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
	}
	__tsan_switch_to_fiber(root.fiber, NO_ORDER);
	void *fiber = __tsan_create_fiber(0);
	__tsan_switch_to_fiber(self, NO_ORDER);
	tally__lock_release(&root.lock);
	if (fiber == NULL)
		tally__die("ThreadSanitizer has no fiber for another task");
	return fiber;
}

void tally__race_switch(void *fiber)
{
	if (fiber != NULL)
		__tsan_switch_to_fiber(fiber, NO_ORDER);
}

void tally__race_release(void *address)
{
	if (there())
		__tsan_release(address);
}

void tally__race_acquire(void *address)
{
	if (there())
		__tsan_acquire(address);
}

/* Memory of its own for each start, and from malloc: when it is freed, ThreadSanitizer forgets what was
 * released there. An address that is used again, such as the task's, would order a task after strangers. */
struct start {
	tally_atomic_u32 receivers;
	void *caller;
};

void *tally__race_publish(const void *caller)
{
	struct start *start = malloc(sizeof(*start));
	if (start == NULL)
		return NULL;
	tally_atomic_u32_store(&start->receivers, 1);
	start->caller = (void *)(uintptr_t)caller;
	tally__race_release(start);
	return start;
}

void tally__race_share(void *given)
{
	struct start *start = given;
	tally_atomic_u32_add(&start->receivers, 1);
}

void tally__race_drop(void *given)
{
	struct start *start = given;
	if (tally_atomic_u32_sub(&start->receivers, 1) == 0)
		free(start);
}

/* So the reports call it. */
static void name(uint64_t task_id)
{
	char text[32] = "task ";
	size_t digits = 1;
	for (uint64_t rest = task_id; rest >= 10; rest /= 10)
		digits++;
	for (size_t i = 5 + digits; i > 5; i--, task_id /= 10)
		text[i - 1] = (char)('0' + task_id % 10);
	__tsan_set_fiber_name(__tsan_get_current_fiber(), text);
}

void tally__race_receive(void *given, uint64_t task_id)
{
	struct start *start = given;
	if (there()) {
		name(task_id);
		__tsan_acquire(start);
		/* Below the task's own frames, reports show where it was spawned. */
		__tsan_func_entry(start->caller);
	}
	tally__race_drop(start);
}

void tally__race_task_ends(void)
{
	if (there())
		__tsan_func_exit();
}

void tally__race_reads(void *address, const void *caller)
{
	if (there())
		__tsan_read1_pc(address, (void *)(uintptr_t)caller);
}

void tally__race_writes(void *address, const void *caller)
{
	if (there())
		__tsan_write1_pc(address, (void *)(uintptr_t)caller);
}

void tally__race_ignore_begin(void)
{
	if (!there())
		return;
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}

void tally__race_ignore_end(void)
{
	if (!there())
		return;
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

static int mark_locals(struct dl_phdr_info *object, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	if (object->dlpi_tls_data == NULL)
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_TLS)
			AnnotateBenignRaceSized(__FILE__, __LINE__, object->dlpi_tls_data,
						(size_t)object->dlpi_phdr[i].p_memsz,
						"variables of one thread");
	return 0;
}

void tally__race_is_private(const void *start, size_t bytes)
{
	if (AnnotateBenignRaceSized != NULL)
		AnnotateBenignRaceSized(__FILE__, __LINE__, start, bytes, "a stack of one thread");
}

void tally__race_locals_are_private(void)
{
	if (there())
		dl_iterate_phdr(mark_locals, NULL);
}

void tally__race_reset(void)
{
	root.lock = (struct tally__lock){0};
}

#else

/* ISO C wants something in every file. */
typedef int tally__race_is_not_built;

#endif
