/*
 * transfer_reason.c
 *		libcurl's codes in words that say what to mend. Its own error texts are not used: they quote
 *		names and certificates of the other side.
 */
#include "net/transfer_reason.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>
#include <string.h>

typedef struct ReasonWords
{
	CURLcode code;
	const char *text;
} ReasonWords;

static const ReasonWords reason_words[] = {
	{CURLE_COULDNT_RESOLVE_HOST, "host not found"},
	{CURLE_SSL_CONNECT_ERROR, "TLS: the partner's server broke off the handshake"},
	{CURLE_SSL_CERTPROBLEM, "TLS: our certificate or its key cannot be used"},
	{CURLE_SSL_CACERT_BADFILE, "TLS: the file of authorities cannot be read"},
	{CURLE_GOT_NOTHING, "the connection was closed without an answer"},
	{CURLE_SEND_ERROR, "the connection was lost while it was sent"},
	{CURLE_RECV_ERROR, "the connection was lost before the answer"},
	{CURLE_PARTIAL_FILE, "the connection was lost within the answer"},
	{CURLE_WEIRD_SERVER_REPLY, "the answer is no HTTP"},
	{CURLE_UNSUPPORTED_PROTOCOL, "only https is allowed"},
	{CURLE_URL_MALFORMAT, "the address is no URL"},
};

/*
 * The code is OpenSSL's, or what libcurl puts there before it asks (UNSPECIFIED): then the chain
 * was in order, and it is the name that is wrong.
 */
static const char *
certificate_reason(CURL *curl)
{
	const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
	long result = X509_V_OK;

	if (version->ssl_version == NULL || strncmp(version->ssl_version, "OpenSSL/", 8) != 0 ||
		curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &result) != CURLE_OK)
		return "TLS: the partner's certificate is not accepted";
	switch (result)
	{
		case X509_V_OK:
		case X509_V_ERR_UNSPECIFIED:
			return "TLS: the partner's certificate is for another host";
		case X509_V_ERR_CERT_HAS_EXPIRED:
			return "TLS: the partner's certificate has expired";
		case X509_V_ERR_CERT_NOT_YET_VALID:
			return "TLS: the partner's certificate does not count yet";
		case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
		case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
		case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		case X509_V_ERR_CERT_UNTRUSTED:
			return "TLS: the partner's certificate is of an unknown authority";
		default:
			return X509_verify_cert_error_string(result);
	}
}

static const char *
connect_reason(CURL *curl)
{
	long number = 0;

	if (curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number) != CURLE_OK || number == 0)
		return "no connection";
	return number == ECONNREFUSED ? "connection refused" : strerror((int) number);
}

static const char *
time_reason(CURL *curl)
{
	curl_off_t name_us = 0;
	curl_off_t connected_us = 0;

	curl_easy_getinfo(curl, CURLINFO_NAMELOOKUP_TIME_T, &name_us);
	curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	if (connected_us > 0)
		return "no answer in time";
	return name_us > 0 ? "no connection in time" : "no answer of the name servers in time";
}

const char *
transfer_reason(CURL *curl, CURLcode code)
{
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return certificate_reason(curl);
	if (code == CURLE_COULDNT_CONNECT)
		return connect_reason(curl);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return time_reason(curl);
	for (size_t i = 0; i < sizeof(reason_words) / sizeof(reason_words[0]); i++)
	{
		if (reason_words[i].code == code)
			return reason_words[i].text;
	}
	return curl_easy_strerror(code);
}
