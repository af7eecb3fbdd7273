/*
 * bare_flood.c
 *		What libcurl alone can do: POSTs the same body again and again over some connections.
 *
 * Usage: bare_flood URL BODY_FILE COUNT CONNECTIONS
 * Prints the seconds that it took.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

static char *
file_read(const char *path, long *length)
{
	FILE *file = fopen(path, "rb");
	char *bytes;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		exit(1);
	*length = ftell(file);
	rewind(file);
	bytes = malloc(*length + 1);
	if (fread(bytes, 1, *length, file) != (size_t) *length)
		exit(1);
	fclose(file);
	return bytes;
}

static size_t
answer_pass(char *bytes, size_t size, size_t count, void *closure)
{
	(void) bytes;
	(void) closure;
	return size * count;
}

static CURL *
transfer_new(const char *url, const char *body, long length, struct curl_slist *headers)
{
	CURL *curl = curl_easy_init();

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, length);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_pass);
	return curl;
}

/* Each that is done begins anew, until so many have begun; returns how many are done. */
static long
turn(CURLM *multi, long *to_begin)
{
	int running;
	int left;
	long done = 0;
	CURLMsg *message;

	curl_multi_perform(multi, &running);
	while ((message = curl_multi_info_read(multi, &left)) != NULL)
	{
		CURL *curl = message->easy_handle;

		if (message->data.result != CURLE_OK)
		{
			fprintf(stderr, "bare_flood: %s\n", curl_easy_strerror(message->data.result));
			exit(1);
		}
		done++;
		curl_multi_remove_handle(multi, curl);
		if ((*to_begin)-- > 0)
			curl_multi_add_handle(multi, curl);
	}
	return done;
}

int
main(int argc, char **argv)
{
	CURLM *multi = curl_multi_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long length;
	long left;
	long to_begin;
	char *body;
	double began;

	if (argc != 5)
		return 2;
	body = file_read(argv[2], &length);
	left = atol(argv[3]);
	to_begin = left - atoi(argv[4]);
	began = now();
	for (int i = 0; i < atoi(argv[4]); i++)
		curl_multi_add_handle(multi, transfer_new(argv[1], body, length, headers));
	while ((left -= turn(multi, &to_begin)) > 0)
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	printf("%.6f\n", now() - began);
	return 0;
}
