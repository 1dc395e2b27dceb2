/* SHA-256 (FIPS 180-4): names what the cache holds by its content. */
#ifndef TALLY_COMMAND_SHA256_H_
#define TALLY_COMMAND_SHA256_H_

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64 };

struct sha256 {
	uint32_t state[8];
	uint64_t length; /* in bytes, of all that was added */
	unsigned char block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t size);
void sha256_end(struct sha256 *hash, unsigned char digest[SHA256_SIZE]);

#endif
