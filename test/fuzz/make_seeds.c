/* Writes the seeds of region_fuzz into the folder that is named: small regions that are right. */
#include <stdio.h>
#include <stdlib.h>

#include "../view/image.h"

static void save(const char *folder, const char *name, const struct image *image)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	if (file == NULL || fwrite(image, sizeof(*image), 1, file) != 1 || fclose(file) != 0)
		exit(1);
}

int main(int argc, char **argv)
{
	struct image image;
	if (argc != 2)
		return 1;
	image_make(&image);
	save(argv[1], "three_metrics", &image);
	image_add(&image, 200, "of the future", "", 5);
	image_add(&image, TALLY__KIND_COUNTER, "bytes_total", "\xc3\xbc \xff \n \\", 6);
	save(argv[1], "unknown_kind_and_texts", &image);
	image_make(&image);
	tally_atomic_u32_store(&image_header(&image)->slots_used, 1);
	image_index(&image)[0] = 0;
	save(argv[1], "no_metric", &image);
	return 0;
}
