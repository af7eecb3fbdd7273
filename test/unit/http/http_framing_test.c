/*
 * http_framing_test.c
 *		Headers that two readers might read as two different requests.
 */
#include "http/http_framing.h"
#include "tap.h"

#include <string.h>

#define HEADERS_MAX 4

static const struct
{
	const char *headers[HEADERS_MAX][2];
	int status;
	const char *name;
} rows[] = {
	{{{"Host", "a"}, {"Content-Length", "3"}}, 0, "an ordinary request"},
	{{{"Host", "a"}, {"Transfer-Encoding", "chunked"}}, 0, "chunks"},
	{{{"host", "a"}, {"TRANSFER-encoding", "Chunked"}}, 0, "chunks, in any case"},
	{{{"Accept", "a"}, {"Accept", "b"}}, 0, "a header that may be repeated"},
	{{{"X", "a\tb"}}, 0, "a tab in a value"},
	{{{"X", ""}}, 0, "an empty value"},
	{{{"X", "caf\xc3\xa9"}}, 0, "bytes beyond ASCII in a value"},
	{{{"Content-Length", "3"}, {"Content-Length", "3"}}, 400, "rejects_two_lengths"},
	{{{"Content-Length", "3"}, {"content-length", "4"}}, 400, "rejects_two_different_lengths"},
	{{{"Content-Length", "3"}, {"Transfer-Encoding", "chunked"}}, 400, "rejects_length_and_chunks"},
	{{{"Transfer-Encoding", "chunked"}, {"Content-Length", "3"}}, 400, "rejects_chunks_and_length"},
	{{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
	 400,
	 "rejects_chunks_twice"},
	{{{"Transfer-Encoding", "gzip, chunked"}}, 400, "rejects_other_encoding_before_chunks"},
	{{{"Transfer-Encoding", "xchunked"}}, 400, "rejects_unknown_encoding"},
	{{{"Transfer-Encoding", "identity"}}, 400, "rejects_identity"},
	{{{"Transfer-Encoding", ""}}, 400, "rejects_empty_encoding"},
	{{{"Host", "a"}, {"Host", "b"}}, 400, "rejects_two_hosts"},
	{{{"Authorization", "Bearer a"}, {"authorization", "Bearer b"}}, 400, "rejects_two_tokens"},
	{{{"Content-Type", "application/json"}, {"Content-Type", "text/xml"}},
	 400,
	 "rejects_two_types"},
	{{{"Content-Length ", "3"}}, 400, "rejects_blank_before_colon"},
	{{{"Content\tLength", "3"}}, 400, "rejects_tab_in_name"},
	{{{"", "3"}}, 400, "rejects_empty_name"},
	{{{"X(Y)", "3"}}, 400, "rejects_name_that_is_no_token"},
	{{{"X", "a\rb"}}, 400, "rejects_carriage_return"},
	{{{"X", "a\nb"}}, 400, "rejects_new_line"},
	{{{"X", "a\x7f"}}, 400, "rejects_delete"},
	{{{"X\x01", "a"}}, 400, "rejects_control_character_in_name"},
};

int
main(void)
{
	Tap tap = {0, 0};
	HttpFraming many = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		HttpFraming framing = {0};

		for (int k = 0; k < HEADERS_MAX && rows[i].headers[k][0] != NULL; k++)
			http_framing_add(&framing, rows[i].headers[k][0], strlen(rows[i].headers[k][0]),
							 rows[i].headers[k][1], strlen(rows[i].headers[k][1]));
		tap_is_int(&tap, http_framing_judge(&framing, 100), rows[i].status, "%s", rows[i].name);
	}
	for (int i = 0; i < 100; i++)
		http_framing_add(&many, "X", 1, "y", 1);
	tap_is_int(&tap, http_framing_judge(&many, 100), 0, "a hundred headers");
	tap_is_int(&tap, http_framing_judge(&many, 16384), 0, "16 KiB of them");
	tap_is_int(&tap, http_framing_judge(&many, 16385), 431, "rejects_more_bytes");
	http_framing_add(&many, "X", 1, "y", 1);
	tap_is_int(&tap, http_framing_judge(&many, 100), 431, "rejects_more_headers");
	many = (HttpFraming){0};
	http_framing_add(&many, "X", 1, "a\0b", 3);
	tap_is_int(&tap, http_framing_judge(&many, 100), 400, "rejects_nul_in_value");
	many = (HttpFraming){0};
	http_framing_add(&many, "X\0Y", 3, "a", 1);
	tap_is_int(&tap, http_framing_judge(&many, 100), 400, "rejects_nul_in_name");
	return tap_done(&tap);
}
