// prometheus-cpp's registry: the memory of many counters with a label each, and the text of a scrape of many
// that have a name each.
//
//     registry_prometheus memory COUNTERS
//     registry_prometheus text COUNTERS MS SAMPLES
#include "../common/bench.h"
#include <memory>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <string>
#include <vector>

static std::vector<prometheus::Counter *> counters;

static prometheus::Family<prometheus::Counter> &family(prometheus::Registry &registry, const std::string &name)
{
	return prometheus::BuildCounter().Name(name).Help("Counted.").Register(registry);
}

static void add_labelled(prometheus::Registry &registry, uint64_t n)
{
	auto &all = family(registry, "bench_total");

	counters.reserve(n);
	for (uint64_t i = 0; i < n; i++)
		counters.push_back(&all.Add({{"n", std::to_string(i)}}));
	for (auto counter : counters)
		counter->Increment();
}

static void add_named(prometheus::Registry &registry, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		family(registry, "bench_" + std::to_string(i) + "_total").Add({}).Increment();
}

static struct bench_span text_body(void *arg, uint64_t times)
{
	auto registry = static_cast<prometheus::Registry *>(arg);
	prometheus::TextSerializer serializer;
	std::string text;
	struct bench_span start = bench_start(), span;

	for (uint64_t i = 0; i < times; i++)
		text = serializer.Serialize(registry->Collect());
	span = bench_stop(start);
	if (text.find("\nbench_0_total 1\n") == std::string::npos)
		bench_fail("the text lacks a counter: %.200s", text.c_str());
	return span;
}

int main(int argc, char **argv)
{
	uint64_t n = bench_argument(argc, argv, 2, 10000);
	prometheus::Registry registry;

	if (argc > 1 && !strcmp(argv[1], "memory")) {
		prometheus::Registry first;
		add_labelled(first, 1);
		counters.clear();
		bench_memory(); // so that what it reads with is in memory already
		int64_t before = bench_memory();
		add_labelled(registry, n);
		printf("memory %.1f B\n", (double)(bench_memory() - before) / (double)n);
		return 0;
	}
	add_named(registry, n);
	bench_measure("text", "us", 1000, text_body, &registry, bench_argument(argc, argv, 3, 20),
		      bench_argument(argc, argv, 4, 3));
	return 0;
}
