/* The hash of the cache's keys, against the published examples and against itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/tally/sha256.c"

static void end_in_hex(struct sha256 *hash, char hex[2 * SHA256_SIZE + 1])
{
	unsigned char digest[SHA256_SIZE];

	sha256_end(hash, digest);
	for (int i = 0; i < SHA256_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* FIPS 180-2, appendix B, and NIST's short messages. */
static void published_examples(void **state)
{
	static const struct {
		const char *text;
		const char *hex;
	} examples[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnop"
		 "qrsmn"
		 "opqrstnopqrstu",
		 "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct sha256 hash;
		char hex[2 * SHA256_SIZE + 1];
		sha256_begin(&hash);
		sha256_add(&hash, examples[i].text, strlen(examples[i].text));
		end_in_hex(&hash, hex);
		assert_string_equal(hex, examples[i].hex);
	}
}

static void a_million_letters(void **state)
{
	struct sha256 hash;
	char hex[2 * SHA256_SIZE + 1];
	char letters[1000];
	(void)state;

	memset(letters, 'a', sizeof(letters));
	sha256_begin(&hash);
	for (int i = 0; i < 1000; i++)
		sha256_add(&hash, letters, sizeof(letters));
	end_in_hex(&hash, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* However the bytes are divided, around the ends of the first blocks above all. */
static void parts_do_not_matter(void **state)
{
	unsigned char bytes[300];
	(void)state;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 5);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		unsigned char whole[SHA256_SIZE];
		struct sha256 hash;
		sha256_begin(&hash);
		sha256_add(&hash, bytes, size);
		sha256_end(&hash, whole);
		for (size_t part = 1; part <= 130; part++) {
			unsigned char parts[SHA256_SIZE];
			sha256_begin(&hash);
			for (size_t done = 0; done < size; done += part)
				sha256_add(&hash, bytes + done, size - done < part ? size - done : part);
			sha256_add(&hash, NULL, 0);
			sha256_end(&hash, parts);
			assert_memory_equal(parts, whole, SHA256_SIZE);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_examples),
		cmocka_unit_test(a_million_letters),
		cmocka_unit_test(parts_do_not_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
