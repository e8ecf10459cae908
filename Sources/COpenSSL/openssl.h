// OpenSSL as the rooms see it; macros that Swift can't import become static inline functions here.
#pragma once
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
