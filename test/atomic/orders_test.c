/* Which calls make one thread's plain writes visible to another: each form that releases with each form that
 * acquires does, and no other pair. ThreadSanitizer is the judge: it reports a race on the plain data just
 * where the pair makes no order. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <tally/atomic.h>

/* Every report is wanted, none is printed, and they are no reason to fail. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "suppress_equal_stacks=0:suppress_equal_addresses=0:exitcode=0:log_path=/dev/null:"
	       "atexit_sleep_ms=0:report_thread_leaks=0";
}

static tally_atomic_u32 reports;

void __tsan_on_report(void *report);
void __tsan_on_report(void *report)
{
	(void)report;
	tally_atomic_u32_add_relaxed(&reports, 1);
}

/* One variable, for every type in turn. */
union variable {
	tally_atomic_i32 i32;
	tally_atomic_i64 i64;
	tally_atomic_u32 u32;
	tally_atomic_u64 u64;
	tally_atomic_uptr uptr;
	tally_atomic_bool bool_;
	tally_atomic_ptr ptr;
};

/* A way to set the variable from 0 to 1, or to look at it without changing it. */
struct form {
	const char *name;
	void (*act)(union variable *v);
	bool orders;
};

typedef tally_atomic_bool tally_atomic_bool_;
static int dummy;

#define FORM(kind, X, suffix, code)                                                                            \
	static void kind##_##X##suffix(union variable *v)                                                      \
	{                                                                                                      \
		code;                                                                                          \
	}
#define SET_ALL(X, one)                                                                                        \
	FORM(store, X, , tally_atomic_##X##_store(&v->X, one))                                                 \
	FORM(store, X, _release, tally_atomic_##X##_store_release(&v->X, one))                                 \
	FORM(store, X, _relaxed, tally_atomic_##X##_store_relaxed(&v->X, one))                                 \
	FORM(load, X, , (void)tally_atomic_##X##_load(&v->X))                                                  \
	FORM(load, X, _acquire, (void)tally_atomic_##X##_load_acquire(&v->X))                                  \
	FORM(load, X, _relaxed, (void)tally_atomic_##X##_load_relaxed(&v->X))

#define tally_atomic_bool__store         tally_atomic_bool_store
#define tally_atomic_bool__store_release tally_atomic_bool_store_release
#define tally_atomic_bool__store_relaxed tally_atomic_bool_store_relaxed
#define tally_atomic_bool__load          tally_atomic_bool_load
#define tally_atomic_bool__load_acquire  tally_atomic_bool_load_acquire
#define tally_atomic_bool__load_relaxed  tally_atomic_bool_load_relaxed

SET_ALL(i32, 1)
SET_ALL(i64, 1)
SET_ALL(u32, 1)
SET_ALL(u64, 1)
SET_ALL(uptr, 1)
SET_ALL(bool_, true)
SET_ALL(ptr, &dummy)

/* What reads and writes, in one order. Setters start from 0 and leave 1; readers start from 1 and leave it. */
#define CHANGES(X, suffix)                                                                                     \
	FORM(swap, X, suffix, tally_atomic_##X##_swap##suffix(&v->X, 1))                                       \
	FORM(cas, X, suffix, tally_atomic_##X##_compare_and_swap##suffix(&v->X, 0, 1))                         \
	FORM(add, X, suffix, tally_atomic_##X##_add##suffix(&v->X, 1))                                         \
	FORM(sub, X, suffix, tally_atomic_##X##_sub##suffix(&v->X, (__typeof__(v->X.value_))-1))               \
	FORM(fetch_add, X, suffix, tally_atomic_##X##_fetch_add##suffix(&v->X, 1))                             \
	FORM(or, X, suffix, tally_atomic_##X##_or##suffix(&v->X, 1))                                           \
	FORM(xor, X, suffix, tally_atomic_##X##_xor##suffix(&v->X, 1))                                         \
	FORM(max, X, suffix, tally_atomic_##X##_max##suffix(&v->X, 1))                                         \
	FORM(read_swap, X, suffix, tally_atomic_##X##_swap##suffix(&v->X, 1))                                  \
	FORM(read_cas, X, suffix, tally_atomic_##X##_compare_and_swap##suffix(&v->X, 1, 1))                    \
	FORM(read_failed_cas, X, suffix, tally_atomic_##X##_compare_and_swap##suffix(&v->X, 7, 8))             \
	FORM(read_add, X, suffix, tally_atomic_##X##_add##suffix(&v->X, 0))                                    \
	FORM(read_sub, X, suffix, tally_atomic_##X##_sub##suffix(&v->X, 0))                                    \
	FORM(read_fetch_add, X, suffix, tally_atomic_##X##_fetch_add##suffix(&v->X, 0))                        \
	FORM(read_and, X, suffix, tally_atomic_##X##_and##suffix(&v->X, 1))                                    \
	FORM(read_or, X, suffix, tally_atomic_##X##_or##suffix(&v->X, 1))                                      \
	FORM(read_xor, X, suffix, tally_atomic_##X##_xor##suffix(&v->X, 0))                                    \
	FORM(read_min, X, suffix, tally_atomic_##X##_min##suffix(&v->X, 1))                                    \
	FORM(read_max, X, suffix, tally_atomic_##X##_max##suffix(&v->X, 0))                                    \
	FORM(read_lower, X, suffix, tally_atomic_##X##_min##suffix(&v->X, 0))                                  \
	FORM(read_higher, X, suffix, tally_atomic_##X##_max##suffix(&v->X, 2))
#define CHANGES_ALL(X)                                                                                         \
	CHANGES(X, ) CHANGES(X, _acq_rel) CHANGES(X, _acquire) CHANGES(X, _release) CHANGES(X, _relaxed)

CHANGES_ALL(i32)
CHANGES_ALL(i64)
CHANGES_ALL(u32)
CHANGES_ALL(u64)
CHANGES_ALL(uptr)

#define F(kind, X, suffix, orders)                                                                             \
	{                                                                                                      \
#kind " " #X #suffix, kind##_##X##suffix, orders                                               \
	}
#define SETTERS(X, suffix, orders)                                                                             \
	F(swap, X, suffix, orders), F(cas, X, suffix, orders), F(add, X, suffix, orders),                      \
		F(sub, X, suffix, orders), F(fetch_add, X, suffix, orders), F(or, X, suffix, orders),          \
		F(xor, X, suffix, orders), F(max, X, suffix, orders)
#define READERS(X, suffix, orders)                                                                             \
	F(read_swap, X, suffix, orders), F(read_cas, X, suffix, orders),                                       \
		F(read_failed_cas, X, suffix, orders), F(read_add, X, suffix, orders),                         \
		F(read_sub, X, suffix, orders), F(read_fetch_add, X, suffix, orders),                          \
		F(read_and, X, suffix, orders), F(read_or, X, suffix, orders), F(read_xor, X, suffix, orders), \
		F(read_min, X, suffix, orders), F(read_max, X, suffix, orders),                                \
		F(read_lower, X, suffix, orders), F(read_higher, X, suffix, orders)
#define STORES(X) F(store, X, , true), F(store, X, _release, true), F(store, X, _relaxed, false)
#define LOADS(X)  F(load, X, , true), F(load, X, _acquire, true), F(load, X, _relaxed, false)
#define INTEGER_SETTERS(X)                                                                                     \
	STORES(X), SETTERS(X, , true), SETTERS(X, _acq_rel, true), SETTERS(X, _acquire, false),                \
		SETTERS(X, _release, true), SETTERS(X, _relaxed, false)
#define INTEGER_READERS(X)                                                                                     \
	LOADS(X), READERS(X, , true), READERS(X, _acq_rel, true), READERS(X, _acquire, true),                  \
		READERS(X, _release, false), READERS(X, _relaxed, false)

static const struct form setters[] = {
	INTEGER_SETTERS(i32),  INTEGER_SETTERS(i64), INTEGER_SETTERS(u32), INTEGER_SETTERS(u64),
	INTEGER_SETTERS(uptr), STORES(bool_),        STORES(ptr),
};
static const struct form readers[] = {
	INTEGER_READERS(i32),  INTEGER_READERS(i64), INTEGER_READERS(u32), INTEGER_READERS(u64),
	INTEGER_READERS(uptr), LOADS(bool_),         LOADS(ptr),
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A round for each form: plain data, the variable, and a sign without any order that it has been set. */
struct round {
	int data;
	union variable variable;
	tally_atomic_u32 set;
};
static struct round setting[COUNT(setters)], reading[COUNT(readers)];

static void *write_all(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(setters); i++) {
		setting[i].data = 1;
		setters[i].act(&setting[i].variable);
		tally_atomic_u32_store_relaxed(&setting[i].set, 1);
	}
	for (size_t i = 0; i < COUNT(readers); i++) {
		reading[i].data = 1;
		tally_atomic_u64_store_release(&reading[i].variable.u64, 1);
		tally_atomic_u32_store_relaxed(&reading[i].set, 1);
	}
	return NULL;
}

/* Waits for the sign, which orders nothing, then looks at the data after the reader: was there a race? */
static bool races(struct round *round, const struct form *reader)
{
	uint32_t before = tally_atomic_u32_load_relaxed(&reports);
	int seen;

	while (tally_atomic_u32_load_relaxed(&round->set) == 0) {
	}
	reader->act(&round->variable);
	seen = round->data;
	assert_int_equal(seen, 1);
	return tally_atomic_u32_load_relaxed(&reports) != before;
}

static void setters_order_and_readers_order(void **state)
{
	static const struct form acquire = {"acquire", load_u64_acquire, true};
	pthread_t writer;
	int wrong = 0;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_all, NULL), 0);
	for (size_t i = 0; i < COUNT(setters); i++) {
		if (races(&setting[i], &acquire) == setters[i].orders) {
			print_error("%s %s\n", setters[i].name,
				    setters[i].orders ? "orders nothing" : "orders");
			wrong++;
		}
	}
	for (size_t i = 0; i < COUNT(readers); i++) {
		if (races(&reading[i], &readers[i]) == readers[i].orders) {
			print_error("%s %s\n", readers[i].name,
				    readers[i].orders ? "orders nothing" : "orders");
			wrong++;
		}
	}
	pthread_join(writer, NULL);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(setters_order_and_readers_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
