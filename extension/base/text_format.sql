/* Checks of text, usable in CHECK constraints and domains. */
CREATE OR REPLACE FUNCTION casesync.is_date(value text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_is_date' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_date(text) IS 'a date of the calendar, written YYYY-MM-DD';

CREATE OR REPLACE FUNCTION casesync.is_date_time(value text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_is_date_time' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_date_time(text) IS 'date and time in ISO 8601, with a zone';

CREATE OR REPLACE FUNCTION casesync.is_locale(value text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_is_locale' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_locale(text) IS 'a locale of the standard: three small letters';

CREATE OR REPLACE FUNCTION casesync.is_email(value text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_is_email' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_email(text) IS 'an e-mail address (addr-spec of RFC 5322)';

CREATE OR REPLACE FUNCTION casesync.is_phone(value text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_is_phone' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_phone(text) IS 'a telephone number in the form of E.164';

CREATE OR REPLACE FUNCTION casesync.is_identifier(value text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_is_identifier' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_identifier(text) IS
	'the value of an identifier: 1 to 128 bytes, no control characters, no blank at either end';
