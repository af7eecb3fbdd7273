/*
 * url_guard_test.c
 *		URLs that partners may and may not name, in the spellings that get past careless readers.
 */
#include "tap.h"
#include "net/url_guard.h"

#include <stdlib.h>
#include <string.h>

static const struct
{
	const char *url;
	const char *allowed;
	const char *reason; /* NULL: may be named */
} rows[] = {
	{"https://example.org", NULL, NULL},
	{"https://example.org/", NULL, NULL},
	{"HTTPS://Example.ORG:8443/registry/on-subscribe?x=1&y=a@b", NULL, NULL},
	{"https://example.org./x", NULL, NULL},
	{"https://example.org?x", NULL, NULL},
	{"https://xn--bcher-kva.example/x", NULL, NULL},
	{"https://my_host.example/x", NULL, NULL},
	{"https://3com.example/x", NULL, NULL},
	{"https://8.8.8.8/x", NULL, NULL},
	{"https://[2606:4700:4700::1111]:443/x", NULL, NULL},
	{"https://localhost.example.org/x", NULL, NULL},
	{"https://notlocalhost/x", NULL, NULL},
	{"https://example.org:1", NULL, NULL},
	{"https://example.org:65535", NULL, NULL},
	/* schemes */
	{"http://example.org/x", NULL, "https://"},
	{"ftp://example.org/x", NULL, "https://"},
	{"file:///etc/passwd", NULL, "https://"},
	{"gopher://example.org/x", NULL, "https://"},
	{"//example.org/x", NULL, "https://"},
	{"example.org/x", NULL, "https://"},
	{"https:example.org", NULL, "https://"},
	{"https:/example.org", NULL, "https://"},
	{" https://example.org", NULL, "byte"},
	{"", NULL, "empty"},
	/* credentials, fragments and what confuses readers */
	{"https://user:secret@example.org/x", NULL, "user name"},
	{"https://example.org@127.0.0.1/x", NULL, "user name"},
	{"https://@example.org/x", NULL, "user name"},
	{"https://example.org#@127.0.0.1/", NULL, "fragment"},
	{"https://example.org/x#y", NULL, "fragment"},
	{"https://example.org\\@127.0.0.1/", NULL, "byte"},
	{"https://127.0.0.1\\.example.org/", NULL, "byte"},
	{"https://example.org/a b", NULL, "byte"},
	{"https://example.org/a\r\nX: y", NULL, "byte"},
	{"https://example.org/\x7f", NULL, "byte"},
	{"https://ex\xc3\xa4mple.org/", NULL, "byte"},
	{"https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", NULL, "byte"},
	{"https://%31%32%37.0.0.1/", NULL, "not a host name"},
	{"https://127.0.0.1%2eexample.org/", NULL, "not a host name"},
	{"https://a..b/", NULL, "not a host name"},
	{"https://.example.org/", NULL, "not a host name"},
	{"https://example.org../", NULL, "not a host name"},
	{"https://./", NULL, "no host name"},
	{"https:///x", NULL, "no host name"},
	{"https://:443/x", NULL, "no host name"},
	{"https://a,b/", NULL, "not a host name"},
	{"https://a:80:443/", NULL, "port"},
	/* ports */
	{"https://example.org:/", NULL, "port"},
	{"https://example.org:0/", NULL, "port"},
	{"https://example.org:65536/", NULL, "port"},
	{"https://example.org:99999999999/", NULL, "port"},
	{"https://example.org:-1/", NULL, "port"},
	{"https://example.org:80a/", NULL, "port"},
	{"https://[::1]443/", NULL, "port"},
	/* addresses in every spelling */
	{"https://127.0.0.1/x", NULL, "loopback"},
	{"https://127.1/x", NULL, "127.0.0.1 is a loopback"},
	{"https://127.0.1/x", NULL, "127.0.0.1 is a loopback"},
	{"https://127.0.0.1./x", NULL, "loopback"},
	{"https://2130706433/x", NULL, "127.0.0.1 is a loopback"},
	{"https://0x7f000001/x", NULL, "127.0.0.1 is a loopback"},
	{"https://0X7F.0.0.0x1/x", NULL, "127.0.0.1 is a loopback"},
	{"https://0177.0.0.1/x", NULL, "127.0.0.1 is a loopback"},
	{"https://017700000001/x", NULL, "127.0.0.1 is a loopback"},
	{"https://0x7f.1/x", NULL, "127.0.0.1 is a loopback"},
	{"https://0/x", NULL, "unspecified"},
	{"https://0.0.0.0/x", NULL, "unspecified"},
	{"https://0x0/x", NULL, "unspecified"},
	{"https://169.254.169.254/latest/meta-data", NULL, "metadata"},
	{"https://2852039166/", NULL, "metadata"},
	{"https://0xa9fea9fe/", NULL, "metadata"},
	{"https://0251.0376.0251.0376/", NULL, "metadata"},
	{"https://168.63.129.16/", NULL, "metadata"},
	{"https://10.0.0.1/", NULL, "private"},
	{"https://012.1/", NULL, "10.0.0.1 is a private"},
	{"https://192.168.0.1/", NULL, "private"},
	{"https://172.16.0.1/", NULL, "private"},
	{"https://100.64.0.1/", NULL, "carrier-grade"},
	{"https://224.0.0.1/", NULL, "multicast"},
	{"https://255.255.255.255/", NULL, "broadcast"},
	{"https://256.1.1.1/", NULL, "not a host name"},
	{"https://1.2.3.4.5/", NULL, "not a host name"},
	{"https://127.0.0.09/", NULL, "not a host name"},
	{"https://example.0x7f/", NULL, "not a host name"},
	{"https://4294967296/", NULL, "not a host name"},
	{"https://[::1]/", NULL, "loopback"},
	{"https://[0:0:0:0:0:0:0:1]:8443/", NULL, "loopback"},
	{"https://[::]/", NULL, "unspecified"},
	{"https://[::ffff:127.0.0.1]/", NULL, "loopback"},
	{"https://[::ffff:7f00:1]/", NULL, "loopback"},
	{"https://[::127.0.0.1]/", NULL, "loopback"},
	{"https://[::ffff:0:127.0.0.1]/", NULL, "loopback"},
	{"https://[64:ff9b::169.254.169.254]/", NULL, "metadata"},
	{"https://[2002:a00:1::]/", NULL, "private"},
	{"https://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/", NULL, "protocol"},
	{"https://[fd00:ec2::254]/", NULL, "metadata"},
	{"https://[fe80::1]/", NULL, "link-local"},
	{"https://[fe80::1%25eth0]/", NULL, "not an IPv6"},
	{"https://[ff02::1]/", NULL, "multicast"},
	{"https://[fc00::1]/", NULL, "private"},
	{"https://[127.0.0.1]/", NULL, "not an IPv6"},
	{"https://[::1/", NULL, "no host name"},
	{"https://[]/", NULL, "no host name"},
	{"https://::1/", NULL, "no host name"},
	/* names of this machine */
	{"https://localhost/", NULL, "loopback"},
	{"https://LOCALHOST.:8443/", NULL, "loopback"},
	{"https://a.localhost/", NULL, "loopback"},
	{"https://localhost.localdomain/", NULL, "loopback"},
	{"https://ip6-localhost/", NULL, "loopback"},
	/* what a partner's networks change */
	{"https://127.0.0.1:9/", "{127.0.0.0/8}", NULL},
	{"https://2130706433/", "{127.0.0.0/8}", NULL},
	{"https://localhost/", "{127.0.0.1}", NULL},
	{"https://localhost/", "{::1}", NULL},
	{"https://localhost/", "{10.0.0.0/8}", "loopback"},
	{"https://10.1.2.3/", "{10.1.0.0/16}", NULL},
	{"https://10.2.2.3/", "{10.1.0.0/16}", "private"},
	{"https://[fd00:1::5]/", "{fd00:1::/64}", NULL},
	{"https://0.0.0.0/", "{0.0.0.0/0}", "no message is sent"},
	{"https://[::ffff:127.0.0.1]/", "{127.0.0.0/8}", NULL},
};

int
main(void)
{
	Tap tap = {0, 0};
	char long_url[3000];
	Failure failure;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		AddressList list;
		bool ok;

		failure_clear(&failure);
		ok = address_list_parse(rows[i].allowed, &list, &failure) &&
			 url_guard_check(rows[i].url, false, &list, &failure);
		tap_ok(&tap, ok == (rows[i].reason == NULL), "%s with %s: %s", rows[i].url,
			   rows[i].allowed != NULL ? rows[i].allowed : "no list",
			   rows[i].reason != NULL ? "refused" : "allowed");
		if (rows[i].reason != NULL)
			tap_has(&tap, failure.text, rows[i].reason, "%s: reason", rows[i].url);
		address_list_free(&list);
	}
	tap_ok(&tap, url_guard_check("http://example.org/x", true, NULL, &failure),
		   "http where it is allowed");
	tap_ok(&tap, !url_guard_check("http://127.0.0.1/x", true, NULL, &failure),
		   "rejects_loopback_over_http");
	tap_ok(&tap, !url_guard_check("ftp://example.org/x", true, NULL, &failure),
		   "rejects_ftp_where_http_is_allowed");
	memset(long_url, 'a', sizeof(long_url));
	memcpy(long_url, "https://example.org/", 20);
	long_url[sizeof(long_url) - 1] = '\0';
	tap_ok(&tap, !url_guard_check(long_url, false, NULL, &failure), "rejects_long_url");
	long_url[2048] = '\0';
	tap_ok(&tap, url_guard_check(long_url, false, NULL, &failure), "2048 bytes are not too many");
	memcpy(long_url, "https://", 8);
	memset(long_url + 8, 'a', 300);
	strcpy(long_url + 72, "/");
	tap_ok(&tap, !url_guard_check(long_url, false, NULL, &failure), "rejects_long_label");
	strcpy(long_url + 71, "/");
	tap_ok(&tap, url_guard_check(long_url, false, NULL, &failure), "63 letters are a label");
	return tap_done(&tap);
}
