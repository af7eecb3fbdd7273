/*
 * message_response.c
 *		The paths of the standard whose response is the answer.
 */
#include "message/message_response.h"

#include <string.h>

bool
message_response_expected(const char *url, MessageAction *action)
{
	static const char path[] = "/registry/sync/search";
	size_t length = strlen(url);

	if (length < sizeof(path) - 1 || strcmp(url + length - (sizeof(path) - 1), path) != 0)
		return false;
	*action = MESSAGE_ON_SEARCH;
	return true;
}
