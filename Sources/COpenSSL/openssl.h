// OpenSSL as the rooms see it; macros that Swift can't import become static inline functions here.
#pragma once
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ocsp.h>
#include <openssl/opensslv.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline void openssl_set_versions(SSL_CTX *context, int lowest, int highest) {
  SSL_CTX_set_min_proto_version(context, lowest);
  SSL_CTX_set_max_proto_version(context, highest);
}
static inline void openssl_set_modes(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
}
static inline void openssl_forbid_renegotiation(SSL_CTX *context) { SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION); }
static inline void openssl_forbid_tickets(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
}
static inline void openssl_set_session_cache(SSL_CTX *context, long mode) { SSL_CTX_set_session_cache_mode(context, mode); }
static inline void openssl_verify_nothing(SSL_CTX *context) { SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL); }
static inline void openssl_verify_peer(SSL_CTX *context, int is_required) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
}
static inline int openssl_set_groups(SSL_CTX *context, const char *groups) { return (int)SSL_CTX_set1_groups_list(context, (char *)groups); }
static inline int openssl_set_server_name(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, (char *)name); }
static inline void openssl_set_app_data(SSL *ssl, void *data) { SSL_set_app_data(ssl, data); }
static inline void *openssl_app_data(const SSL *ssl) { return SSL_get_app_data(ssl); }
static inline int openssl_server_name_extension(SSL *ssl, const unsigned char **bytes, size_t *count) {
  return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, bytes, count);
}

// Has a MAC of tickets use HMAC-SHA256 with a key.
static inline int openssl_set_seal(EVP_MAC_CTX *seal, const unsigned char *key, size_t count) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, count),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(seal, parameters);
}

static inline void openssl_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline void openssl_bio_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void openssl_bio_retry_write(BIO *bio) { BIO_set_retry_write(bio); }

static inline int openssl_error_reason(unsigned long code) { return ERR_GET_REASON(code); }
static inline int openssl_chain_count(const STACK_OF(X509) *chain) { return sk_X509_num(chain); }
static inline X509 *openssl_chain_certificate(const STACK_OF(X509) *chain, int index) { return sk_X509_value(chain, index); }
static inline STACK_OF(X509) *openssl_chain_new(void) { return sk_X509_new_null(); }
static inline int openssl_chain_add(STACK_OF(X509) *chain, X509 *certificate) { return sk_X509_push(chain, certificate); }
static inline void openssl_chain_free(STACK_OF(X509) *chain) { sk_X509_pop_free(chain, X509_free); }

static inline GENERAL_NAMES *openssl_alternative_names(X509 *certificate) {
  return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int openssl_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
// The DNS name at a place, and its length; NULL when the name there is of another kind.
static inline const unsigned char *openssl_dns_name(const GENERAL_NAMES *names, int index, int *length) {
  int kind;
  ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &kind);
  if (kind != GEN_DNS) return NULL;
  *length = ASN1_STRING_length(value);
  return ASN1_STRING_get0_data(value);
}
// The bytes of the name at a place if it is of this kind (GEN_URI, GEN_DNS, GEN_EMAIL), and its length; NULL otherwise.
static inline const unsigned char *openssl_text_name(const GENERAL_NAMES *names, int index, int kind, int *length) {
  int actual;
  ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &actual);
  if (actual != kind) return NULL;
  *length = ASN1_STRING_length(value);
  return ASN1_STRING_get0_data(value);
}
// Writes a subject as RFC 4514 has it, with what is not printable escaped and UTF-8 as it is.
static inline int openssl_print_subject(BIO *into, X509 *certificate) {
  return X509_NAME_print_ex(into, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
}
static inline long openssl_bio_bytes(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }
static inline void openssl_free(void *memory) { OPENSSL_free(memory); }
static inline int openssl_offers_protocols(SSL *ssl) {
  const unsigned char *bytes;
  size_t count;
  return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &bytes, &count);
}

static inline void openssl_chain_release(STACK_OF(X509) *chain) { sk_X509_free(chain); }
static inline void openssl_show_staples(SSL_CTX *context, int (*show)(SSL *, void *)) { SSL_CTX_set_tlsext_status_cb(context, show); }
// Shows a copy of an OCSP answer to the peer; OpenSSL frees it.
static inline int openssl_set_staple(SSL *ssl, const void *bytes, size_t count) {
  void *copy = OPENSSL_memdup(bytes, count);
  if (copy == NULL) return 0;
  return (int)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)count);
}
static inline int openssl_selection_of_keys(void) { return EVP_PKEY_KEYPAIR; }
