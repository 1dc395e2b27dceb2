// prometheus-cpp's registry with many labelled counters: its memory, and the text of a scrape.
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

static void add_counters(prometheus::Registry &registry, uint64_t n)
{
	auto &family = prometheus::BuildCounter().Name("bench_total").Help("Counted.").Register(registry);

	counters.reserve(n);
	for (uint64_t i = 0; i < n; i++)
		counters.push_back(&family.Add({{"n", std::to_string(i)}}));
	for (auto counter : counters)
		counter->Increment();
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
	if (text.find("bench_total{n=\"0\"} 1\n") == std::string::npos)
		bench_fail("the text lacks a counter: %.200s", text.c_str());
	return span;
}

int main(int argc, char **argv)
{
	uint64_t n = bench_argument(argc, argv, 2, 10000);
	prometheus::Registry registry;

	if (argc > 1 && !strcmp(argv[1], "memory")) {
		prometheus::Registry first;
		add_counters(first, 1);
		counters.clear();
		bench_memory(); // so that what it reads with is in memory already
		int64_t before = bench_memory();
		add_counters(registry, n);
		printf("memory %.1f B\n", (double)(bench_memory() - before) / (double)n);
		return 0;
	}
	add_counters(registry, n);
	bench_measure("text", "us", 1000, text_body, &registry, bench_argument(argc, argv, 3, 20),
		      bench_argument(argc, argv, 4, 3));
	return 0;
}
