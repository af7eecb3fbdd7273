/*
 * tls_credentials.c
 *		Loads what we prove ourselves with and what clients are checked by, into GnuTLS. Must not
 *		know who uses it, or when it is loaded anew.
 */
#include "http/tls_credentials.h"

#include <gnutls/x509.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "key/key_file.h"

struct TlsCredentials
{
	int users;
	gnutls_certificate_credentials_t certificates;
	ConfigClientAuth client_auth;
	int64_t ends_at;
};

static void
chain_free(gnutls_x509_crt_t *chain, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	gnutls_free(chain);
}

static bool
credentials_read_end(TlsCredentials *credentials)
{
	gnutls_x509_crt_t *chain = NULL;
	unsigned int count = 0;
	time_t first = 0;

	if (gnutls_certificate_get_x509_crt(credentials->certificates, 0, &chain, &count) != 0)
		return false;
	for (unsigned int i = 0; i < count; i++)
	{
		time_t end = gnutls_x509_crt_get_expiration_time(chain[i]);

		if (i == 0 || end < first)
			first = end;
	}
	chain_free(chain, count);
	credentials->ends_at = (int64_t) first * 1000;
	return count > 0;
}

/* The permissions of the key's file are checked as those of the signing key are. */
static bool
credentials_load_own(TlsCredentials *credentials, const Config *config, Failure *failure)
{
	EVP_PKEY *key = key_file_private(config->tls_key_file, "private key", failure);
	int error;

	if (key == NULL)
		return false;
	EVP_PKEY_free(key);
	error = gnutls_certificate_set_x509_key_file(credentials->certificates, config->tls_cert_file,
												 config->tls_key_file, GNUTLS_X509_FMT_PEM);
	if (error >= 0 && credentials_read_end(credentials))
		return true;
	failure_set(failure, FAILURE_CONFIG,
				"tls_cert_file \"%s\" and tls_key_file \"%s\" cannot be used: %s",
				config->tls_cert_file, config->tls_key_file, gnutls_strerror(error));
	return false;
}

static bool
credentials_load_client_ca(TlsCredentials *credentials, const Config *config, Failure *failure)
{
	int count;

	if (config->tls_client_auth == CONFIG_CLIENT_AUTH_OFF)
		return true;
	count = gnutls_certificate_set_x509_trust_file(credentials->certificates,
												   config->tls_client_ca_file, GNUTLS_X509_FMT_PEM);
	if (count > 0)
		return true;
	failure_set(failure, FAILURE_CONFIG, "tls_client_ca_file \"%s\" cannot be used: %s",
				config->tls_client_ca_file,
				count == 0 ? "it has no certificate" : gnutls_strerror(count));
	return false;
}

bool
tls_credentials_load(const Config *config, TlsCredentials **credentials, Failure *failure)
{
	TlsCredentials *loaded;

	*credentials = NULL;
	if (config->tls_cert_file[0] == '\0')
		return true;
	loaded = calloc(1, sizeof(TlsCredentials));
	if (loaded == NULL || gnutls_certificate_allocate_credentials(&loaded->certificates) != 0)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		free(loaded);
		return false;
	}
	loaded->users = 1;
	loaded->client_auth = config->tls_client_auth;
	if (!credentials_load_own(loaded, config, failure) ||
		!credentials_load_client_ca(loaded, config, failure))
	{
		tls_credentials_release(loaded);
		return false;
	}
	*credentials = loaded;
	return true;
}

TlsCredentials *
tls_credentials_keep(TlsCredentials *credentials)
{
	if (credentials != NULL)
		credentials->users++;
	return credentials;
}

void
tls_credentials_release(TlsCredentials *credentials)
{
	if (credentials == NULL || --credentials->users > 0)
		return;
	gnutls_certificate_free_credentials(credentials->certificates);
	free(credentials);
}

/*
 * Ends the handshake of a client whose certificate our authority did not sign for clients. GnuTLS
 * itself sees to it that one is there when it is required.
 */
static int
client_verify(gnutls_session_t session)
{
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
									 .data = (unsigned char *) GNUTLS_KP_TLS_WWW_CLIENT};
	unsigned int count = 0;
	unsigned int status = 0;

	if (gnutls_certificate_get_peers(session, &count) == NULL || count == 0)
		return 0;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) != 0 || status != 0)
		return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
	return 0;
}

bool
tls_credentials_apply(TlsCredentials *credentials, gnutls_session_t session)
{
	if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials->certificates) != 0)
		return false;
	if (credentials->client_auth == CONFIG_CLIENT_AUTH_OFF)
		return true;
	gnutls_certificate_server_set_request(
		session, credentials->client_auth == CONFIG_CLIENT_AUTH_REQUIRED ? GNUTLS_CERT_REQUIRE
																		 : GNUTLS_CERT_REQUEST);
	gnutls_session_set_verify_function(session, client_verify);
	return true;
}

int64_t
tls_credentials_end(const TlsCredentials *credentials)
{
	return credentials->ends_at;
}
