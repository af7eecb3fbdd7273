/*
 * tls_credentials.h
 *		Certificate, key and client authority with which we serve TLS; the only file that knows
 *		GnuTLS. Knows nothing of connections or HTTP.
 */
#ifndef TLS_CREDENTIALS_H
#define TLS_CREDENTIALS_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "base/failure.h"

/* TLS 1.2 and 1.3, forward secrecy and authenticated ciphers only. */
#define TLS_PRIORITIES                                                                             \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-CIPHER-ALL:+AES-256-GCM"         \
	":+CHACHA20-POLY1305:+AES-128-GCM:%SERVER_PRECEDENCE"

/* Shared by the connections that use it; replaced as a whole, never changed. */
typedef struct TlsCredentials TlsCredentials;

/*
 * Reads the files that the settings name; false with a failure that says which is not usable.
 * Without a certificate in the settings *credentials is NULL: we serve plain HTTP.
 */
extern bool tls_credentials_load(const Config *config, TlsCredentials **credentials,
								 Failure *failure);

/* Each keep needs one release; NULL is fine. */
extern TlsCredentials *tls_credentials_keep(TlsCredentials *credentials);
extern void tls_credentials_release(TlsCredentials *credentials);

/* Makes a new session use them; they must be kept until the session's end. */
extern bool tls_credentials_apply(TlsCredentials *credentials, gnutls_session_t session);

/* When the first certificate of the chain that ends does so, milliseconds since 1970. */
extern int64_t tls_credentials_end(const TlsCredentials *credentials);

#endif
