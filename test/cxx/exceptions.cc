// C++ exceptions in tasks, a case a run, for exceptions_test.py. Status 0: all is as it should be.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <tally/tally.h>
#include <vector>

namespace
{

#define EXPECT(condition)                                                                                      \
	do {                                                                                                   \
		if (!(condition)) {                                                                            \
			std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);           \
			std::_Exit(1);                                                                         \
		}                                                                                              \
	} while (0)

const int many = 300;
tally_waitgroup group, gate, inside;

// It waits among its members' destructions.
template <typename Wait> struct at_the_end {
	Wait wait;
	explicit at_the_end(Wait wait) : wait(wait)
	{
	}
	~at_the_end()
	{
		wait();
	}
};

void yield_often()
{
	for (int i = 0; i < 5; i++)
		tally_yield();
}

int number_of(void *arg)
{
	return static_cast<int>(reinterpret_cast<intptr_t>(arg));
}

void start(void (*task)(void *), int count)
{
	for (int i = 0; i < count; i++)
		tally_waitgroup_go(&group, task, reinterpret_cast<void *>(static_cast<intptr_t>(i)));
}

void finish()
{
	tally_waitgroup_wait(&group);
}

void throw_and_catch(void *arg)
{
	int number = number_of(arg), caught = -1;
	try {
		std::string text(100, 'x'); // to be destroyed
		throw std::runtime_error(std::to_string(number));
	} catch (const std::exception &error) {
		caught = std::stoi(error.what());
	}
	EXPECT(caught == number);
	EXPECT(!std::current_exception());
	EXPECT(std::uncaught_exceptions() == 0);
}

void caught_inside()
{
	start(throw_and_catch, many);
	finish();
}

// Handles its exception while others handle theirs, and is asked for it again by the language alone.
void handle(int number, void (*block)())
{
	const std::exception_ptr before = std::current_exception();
	try {
		try {
			throw number;
		} catch (int caught) {
			block();
			EXPECT(caught == number);
			EXPECT(std::current_exception());
			throw;
		}
	} catch (int again) {
		EXPECT(again == number);
		std::exception_ptr kept = std::current_exception();
		block();
		EXPECT(std::current_exception() == kept);
		try {
			throw; // in a handler, in a handler
		} catch (int third) {
			block();
			EXPECT(third == number);
		}
		EXPECT(std::current_exception() == kept);
	}
	EXPECT(std::current_exception() == before);
}

void handles_and_yields(void *arg)
{
	handle(number_of(arg), yield_often);
}

void yielding_in_a_handler()
{
	start(handles_and_yields, many);
	finish();
}

void handles_and_waits(void *arg)
{
	int number = number_of(arg);
	try {
		throw number;
	} catch (int caught) {
		tally_waitgroup_done(&inside);
		tally_waitgroup_wait(&gate);
		EXPECT(caught == number);
		try {
			throw;
		} catch (int again) {
			yield_often();
			EXPECT(again == number);
		}
		handle(1000 + number, yield_often);
	}
	EXPECT(!std::current_exception());
}

void opens(void *)
{
	tally_waitgroup_wait(&inside);
	throw_and_catch(nullptr); // on a thread where others are in their handlers
	EXPECT(!std::current_exception());
	tally_waitgroup_done(&gate);
}

void waiting_in_a_handler()
{
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_add(&inside, many);
	start(handles_and_waits, many);
	start(opens, 1);
	finish();
}

// A destructor that waits while an exception is on its way.
void unwinds(void *arg)
{
	int number = number_of(arg), caught = -1;
	try {
		auto wait = [number] {
			EXPECT(std::uncaught_exceptions() == 1);
			handle(number, yield_often);
			EXPECT(std::uncaught_exceptions() == 1);
		};
		at_the_end<decltype(wait)> guard(wait);
		EXPECT(std::uncaught_exceptions() == 0);
		throw number;
	} catch (int number_caught) {
		caught = number_caught;
	}
	EXPECT(caught == number);
	EXPECT(std::uncaught_exceptions() == 0);
}

void waiting_in_a_destructor()
{
	start(unwinds, many);
	start(throw_and_catch, many);
	finish();
}

void main_waits_in_a_handler()
{
	start(handles_and_yields, many);
	try {
		throw std::runtime_error("main's");
	} catch (const std::exception &error) {
		std::exception_ptr kept = std::current_exception();
		finish(); // and works on the tasks meanwhile
		EXPECT(std::strcmp(error.what(), "main's") == 0);
		EXPECT(std::current_exception() == kept);
	}
	EXPECT(!std::current_exception());
}

// Where it is caught: in a task that waits for the tasks that it started.
void fails_below(void *arg)
{
	auto *errors = static_cast<std::vector<std::exception_ptr> *>(arg);
	try {
		yield_often();
		throw std::out_of_range("below");
	} catch (...) {
		errors->push_back(std::current_exception());
	}
}

void passes_on(void *)
{
	std::vector<std::exception_ptr> errors; // of tasks of one worker
	tally_waitgroup mine = {};
	tally_waitgroup_go(&mine, fails_below, &errors);
	tally_waitgroup_wait(&mine);
	EXPECT(errors.size() == 1);
	try {
		std::rethrow_exception(errors[0]);
	} catch (const std::out_of_range &error) {
		yield_often();
		EXPECT(std::strcmp(error.what(), "below") == 0);
	}
}

void passed_on_by_pointer()
{
	start(passes_on, many);
	finish();
}

void throws(void *arg)
{
	if (arg != nullptr)
		yield_often();
	throw std::runtime_error("nobody's");
}

void leaves_a_task()
{
	start(throws, 1);
	finish();
}

void leaves_a_task_that_blocked()
{
	start(handles_and_yields, 3);
	tally_waitgroup_go(&group, throws, &group);
	finish();
}

void rethrows(void *arg)
{
	try {
		throws(arg);
	} catch (...) {
		yield_often();
		throw;
	}
}

void leaves_a_task_again()
{
	tally_waitgroup_go(&group, rethrows, &group);
	finish();
}

// Not a task's: tally has nothing to say.
void leaves_main()
{
	start(throw_and_catch, 10);
	finish();
	throw std::runtime_error("nobody's");
}

const struct {
	const char *name;
	void (*run)();
} cases[] = {
#define CASE(name)                                                                                             \
	{                                                                                                      \
#name, name                                                                                    \
	}
	CASE(caught_inside),           CASE(yielding_in_a_handler),
	CASE(waiting_in_a_handler),    CASE(waiting_in_a_destructor),
	CASE(main_waits_in_a_handler), CASE(passed_on_by_pointer),
	CASE(leaves_a_task),           CASE(leaves_a_task_that_blocked),
	CASE(leaves_a_task_again),     CASE(leaves_main),
};

} // namespace

int main(int argc, char **argv)
{
	for (const auto &it : cases) {
		if (argc < 2) {
			std::puts(it.name);
		} else if (std::strcmp(it.name, argv[1]) == 0) {
			it.run();
			return 0;
		}
	}
	return argc < 2 ? 0 : 2;
}
