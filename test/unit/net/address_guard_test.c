/*
 * address_guard_test.c
 *		Addresses we do not connect to, and what a partner's list changes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "net/address_guard.h"
#include "tap.h"

static const struct
{
	const char *address;
	const char *allowed;
	const char *reason; /* NULL: may connect */
} rows[] = {
	{"8.8.8.8", NULL, NULL},
	{"1.1.1.1", "{}", NULL},
	{"172.15.255.255", NULL, NULL},
	{"172.32.0.0", NULL, NULL},
	{"100.63.255.255", NULL, NULL},
	{"100.128.0.0", NULL, NULL},
	{"223.255.255.255", NULL, NULL},
	{"2606:4700:4700::1111", NULL, NULL},
	{"2a00:1450::1", NULL, NULL},
	{"::ffff:8.8.8.8", NULL, NULL},
	{"64:ff9b::8.8.8.8", NULL, NULL},
	{"2002:0808:0808::1", NULL, NULL},
	{"127.0.0.1", NULL, "127.0.0.1 is a loopback address; allow it"},
	{"127.255.255.254", NULL, "loopback"},
	{"10.0.0.1", NULL, "private"},
	{"172.16.0.1", NULL, "private"},
	{"172.31.255.255", NULL, "private"},
	{"192.168.1.1", NULL, "private"},
	{"100.64.0.1", NULL, "carrier-grade NAT"},
	{"100.127.255.255", NULL, "carrier-grade NAT"},
	{"169.254.169.254", NULL, "cloud metadata"},
	{"169.254.1.1", NULL, "link-local"},
	{"0.0.0.0", NULL, "unspecified"},
	{"0.1.2.3", NULL, "unspecified"},
	{"224.0.0.1", NULL, "multicast"},
	{"239.255.255.255", NULL, "multicast"},
	{"240.0.0.1", NULL, "reserved"},
	{"255.255.255.255", NULL, "broadcast"},
	{"192.0.2.1", NULL, "documentation"},
	{"198.18.0.1", NULL, "benchmarking"},
	{"::", NULL, "unspecified"},
	{"::1", NULL, "loopback"},
	{"fe80::1", NULL, "link-local"},
	{"febf::1", NULL, "link-local"},
	{"fec0::1", NULL, "site-local"},
	{"fc00::1", NULL, "private"},
	{"fdff::1", NULL, "private"},
	{"fd00:ec2::254", NULL, "cloud metadata"},
	{"ff02::1", NULL, "multicast"},
	{"2001:db8::1", NULL, "documentation"},
	{"2001:0:1:2::3", NULL, "protocol"},
	{"::ffff:127.0.0.1", NULL, "127.0.0.1 is a loopback address"},
	{"::ffff:10.0.0.1", NULL, "private"},
	{"::ffff:169.254.169.254", NULL, "metadata"},
	{"::127.0.0.1", NULL, "loopback"},
	{"::0a00:1", NULL, "private"},
	{"64:ff9b::10.0.0.1", NULL, "private"},
	{"64:ff9b::7f00:1", NULL, "loopback"},
	{"64:ff9b:1::1", NULL, "NAT64"},
	{"2002:7f00:1::1", NULL, "loopback"},
	{"2002:c0a8:101::1", NULL, "private"},
	{"168.63.129.16", NULL, "metadata"},
	{"100.100.100.200", NULL, "carrier-grade"},
	{"2001:0:4136:e378:8000:63bf:f5ff:fffe", NULL, "protocol"},
	{"::ffff:0:127.0.0.1", NULL, "loopback"},
	{"::ffff:0:8.8.8.8", NULL, NULL},
	{"2002:a9fe:a9fe::1", NULL, "metadata"},
	{"64:ff9b::224.0.0.1", "{::/0}", "no message is sent"},
	{"4000::1", NULL, "reserved"},
	{"1::1", NULL, "reserved"},
	{"fe00::1", NULL, "reserved"},
	{"200::1", NULL, "reserved"},
	{"4000::1", "{4000::/3}", NULL},
	{"10.1.2.3", "{10.1.0.0/16}", NULL},
	{"10.2.2.3", "{10.1.0.0/16}", "private"},
	{"127.0.0.1", "{127.0.0.1}", NULL},
	{"127.0.0.2", "{127.0.0.1}", "loopback"},
	{"127.0.0.1", "{fd00::/8,\"127.0.0.0/8\"}", NULL},
	{"::ffff:10.1.2.3", "{10.0.0.0/8}", NULL},
	{"fd00:1::5", "{fd00:1::/64}", NULL},
	{"fd00:1:0:1::5", "{fd00:1::/64}", "private"},
	{"::1", "{127.0.0.0/8}", "loopback"},
	{"::1", "{::1/128}", NULL},
	{"10.127.0.1", "{10.64.0.0/10}", NULL},
	{"10.128.0.1", "{10.64.0.0/10}", "private"},
	{"10.0.0.1", "{0.0.0.0/0}", NULL},
	{"fd00::1", "{0.0.0.0/0}", "private"},
	{"224.0.0.1", "{0.0.0.0/0}", "no message is sent"},
	{"0.0.0.0", "{0.0.0.0/0}", "no message is sent"},
	{"::", "{::/0}", "no message is sent"},
	{"255.255.255.255", "{255.255.255.255/32}", "no message is sent"},
	{"64:ff9b::10.0.0.1", "{64:ff9b::/96}", NULL},
};

static const char *const bad_lists[] = {
	"10.0.0.0/8",
	"{10.0.0.0/33}",
	"{10.0.0/8}",
	"{::/129}",
	"{10.0.0.0/}",
	"{10.0.0.0/-1}",
	"{10.0.0.0/8 }",
	"{10.0.0.0/8",
	"{10.0.0.0/8}}",
	"{10.0.0.0/8,}",
	"{,10.0.0.0/8}",
	"{example.org}",
	"{\"10.0.0.0/8}",
	"{10.0.0.0/8/8}",
	"{{10.0.0.0/8}}",
	"{10.0.0.0/8}x",
	"{NULL}",
	"{10.0.0.0/+8}",
	"{",
	"}",
	"{\"\"}",
	"{10.0.0.0/999999999999999999999}",
};

static socklen_t
socket_address(const char *text, struct sockaddr_storage *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *) address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
	{
		v4->sin_family = AF_INET;
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 ? sizeof(*v6) : 0;
}

static void
test_rows(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		struct sockaddr_storage address;
		socklen_t length = socket_address(rows[i].address, &address);
		AddressList list;
		Failure failure;
		bool ok;

		failure_clear(&failure);
		ok = address_list_parse(rows[i].allowed, &list, &failure) &&
			 address_is_allowed((struct sockaddr *) &address, length, &list, &failure);
		tap_ok(tap, ok == (rows[i].reason == NULL), "%s with %s: %s", rows[i].address,
			   rows[i].allowed != NULL ? rows[i].allowed : "no list",
			   rows[i].reason != NULL ? "refused" : "allowed");
		tap_has(tap, failure.text, rows[i].reason != NULL ? rows[i].reason : "", "%s: reason",
				rows[i].address);
		address_list_free(&list);
	}
}

int
main(void)
{
	Tap tap = {0, 0};
	struct sockaddr_storage address;
	AddressList list;
	Failure failure;
	size_t i;

	test_rows(&tap);
	for (i = 0; i < sizeof(bad_lists) / sizeof(bad_lists[0]); i++)
	{
		tap_ok(&tap, !address_list_parse(bad_lists[i], &list, &failure), "rejects_list %s",
			   bad_lists[i]);
		address_list_free(&list);
	}
	memset(&address, 0, sizeof(address));
	address.ss_family = AF_UNIX;
	tap_ok(&tap,
		   !address_is_allowed((struct sockaddr *) &address, sizeof(struct sockaddr_un), NULL,
							   &failure),
		   "rejects_unix_socket");
	address.ss_family = AF_INET6;
	tap_ok(&tap, !address_is_allowed((struct sockaddr *) &address, 4, NULL, &failure),
		   "rejects_short_address");
	return tap_done(&tap);
}
