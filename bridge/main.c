/*
 * main.c
 *		casesync-bridge: options, configuration, the parts, the loop, the exit code.
 */
#include <stdio.h>

int
main(void)
{
	printf("casesync-bridge %s\n", CASESYNC_VERSION);
	return 0;
}
