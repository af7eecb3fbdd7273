/*
 * test_key.h
 *		The key of RFC 8032, test 1 (and RFC 8037, A.1), as a file that signing_key_load takes.
 */
#ifndef TEST_KEY_H
#define TEST_KEY_H

#include "key/key_ring.h"
#include "key/signing_key.h"

#define TEST_KEY_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define TEST_KEY_KID "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
#define TEST_KEY_PEM                                                                               \
	"-----BEGIN PRIVATE KEY-----\n"                                                                \
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                           \
	"-----END PRIVATE KEY-----\n"

/* A new file with this text and mode; ends the program if it cannot. */
extern void test_file_write(char path[64], const char *text, unsigned int mode);

/* A new RSA key as a file that only its owner can read. */
extern void test_rsa_write(unsigned int bits, char path[64]);

/* Load the key; ends the program if it cannot. */
extern SigningKey *test_key_load(void);

/* That key and the three for encryption in test/vectors; ends the program if it cannot. */
extern KeyRing *test_ring_load(void);

/* The same with an RSA key that signs, which is made anew; jwk 1 is its. */
extern KeyRing *test_ring_load_rsa(void);

#endif /* TEST_KEY_H */
