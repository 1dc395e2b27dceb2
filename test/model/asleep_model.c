/* The look at all sleepers, which says that nobody can go on: never true while something is under way. */
#include "platform/clock.h"
#include "sched/deadlock.h"
#include "sched/idle.h"
#include <model.h>
#include <tally/waitgroup.h>

static struct tally__thread *receiver, *sender, *goer;
static struct tally__task letter, answer;
static unsigned finished; /* looked at by the model alone */

static struct tally__thread *attach(void)
{
	struct tally__thread *thread = tally__thread_attach();

	model_assert(thread != NULL);
	return thread;
}

/* Sleeps until something is in the mailbox, as who waits does: for good, or as the one who looks again, with a
 * deadline. */
static void await_mail(struct tally__thread *thread, int64_t deadline)
{
	while (!tally__thread_has_mail(thread)) {
		tally__thread_sleep(thread, NEWS_MAILBOX, THREAD_ASLEEP, deadline);
		deadline = TALLY__FOREVER;
	}
	tally__thread_open_mailbox(thread);
	thread->ready = NULL;
	finished++;
}

static void receives_and_answers(void)
{
	receiver = attach();
	await_mail(receiver, model_now() + 1);
	model_wait_until(sender != NULL);
	tally__thread_send(sender, &answer);
}

static void sends_and_waits(void)
{
	sender = attach();
	model_wait_until(receiver != NULL);
	tally__thread_send(receiver, &letter);
	await_mail(sender, TALLY__FOREVER);
}

/* One sleeps for the first time and ends; another, which was awake, sends a letter, and sleeps for the first
 * time too: as many are asleep as before, in sleeps of the same number. */
static bool gone;

static void comes_and_goes(void)
{
	goer = attach();
	tally__thread_sleep(goer, NEWS_MAILBOX, THREAD_ASLEEP, model_now() + 1);
	gone = true;
}

static void sends_when_it_is_gone(void)
{
	sender = attach();
	model_wait_until(gone && receiver != NULL);
	tally__thread_send(receiver, &letter);
	await_mail(sender, TALLY__FOREVER);
}

static void receives_after_the_sender(void)
{
	model_wait_until(sender != NULL);
	receiver = attach();
	await_mail(receiver, TALLY__FOREVER);
	tally__thread_send(sender, &answer);
}

static void looks_when_two_sleep(void)
{
	struct tally__thread *thread = attach();

	model_wait_until(finished > 0 ||
			 (goer != NULL && receiver != NULL && goer->sleeps > 0 && receiver->sleeps > 0));
	if (tally__deadlock_all_asleep(thread))
		model_assert(finished == 2);
}

/* One of them is always awake, and the other asleep. */
enum { ROUNDS = 4 };

static void answers_all(void)
{
	for (int i = 0; i < ROUNDS; i++)
		receives_and_answers();
}

static void sends_all(void)
{
	for (int i = 0; i < ROUNDS; i++)
		sends_and_waits();
}

static void looks_for_all(void)
{
	struct tally__thread *thread = attach();

	model_wait_until(finished > 0);
	if (tally__deadlock_all_asleep(thread))
		model_assert(finished == 2 * ROUNDS);
}

static void receives(void)
{
	receiver = attach();
	await_mail(receiver, model_now() + 1);
}

static void sends_and_ends(void)
{
	model_wait_until(receiver != NULL);
	tally__thread_send(receiver, &letter);
}

static void looks_for(unsigned all)
{
	struct tally__thread *thread = attach();

	if (tally__deadlock_all_asleep(thread))
		model_assert(finished == all);
}

static void looks_for_one(void)
{
	looks_for(1);
}

static void looks_for_both(void)
{
	looks_for(2);
}

/* Who looks again finds that it need not, while another relies on it: one of them must see the deadlock. */
static tally_waitgroup never;

static void make_never(void)
{
	tally_waitgroup_add(&never, 1);
}

static void waits_for_ever(void)
{
	model_expect_death("nothing is left that could wake them");
	tally_waitgroup_wait(&never);
}

static void has_a_permit_before(void)
{
	struct tally__thread *thread = attach();

	model_assert(tally__permit_wait(thread, false));
	tally__permit_release(thread);
	waits_for_ever();
}

static const struct model models[] = {
	{.name = "letter and answer",
	 .threads = {receives_and_answers, sends_and_waits, looks_for_both},
	 .schedules = 100000},
	{.name = "letter and answer, one goes",
	 .threads = {receives_after_the_sender, sends_when_it_is_gone, comes_and_goes, looks_when_two_sleep},
	 .schedules = 50000},
	{.name = "letters to and fro", .threads = {answers_all, sends_all, looks_for_all}, .schedules = 50000},
	{.name = "who looks again",
	 .setup = make_never,
	 .threads = {waits_for_ever, has_a_permit_before},
	 .schedules = 10000,
	 .steps = 1000000},
	{.name = "letter from one that ends",
	 .threads = {receives, sends_and_ends, looks_for_one},
	 .schedules = 50000},
};

MODEL_MAIN(models)
