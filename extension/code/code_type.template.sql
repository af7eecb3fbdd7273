/* The SQL of one code type and of one cast; gen_codes.pl repeats it for each. */
-- section type

/* @TYPE@ (@DIRECTORY_ID@) */
CREATE TYPE casesync.@TYPE@;
CREATE FUNCTION casesync_internal.@TYPE@_in(cstring) RETURNS casesync.@TYPE@
	AS 'MODULE_PATHNAME', 'casesync_@TYPE@_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.@TYPE@_out(casesync.@TYPE@) RETURNS cstring
	AS 'MODULE_PATHNAME', 'casesync_@TYPE@_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.@TYPE@_recv(internal) RETURNS casesync.@TYPE@
	AS 'MODULE_PATHNAME', 'casesync_@TYPE@_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.@TYPE@_send(casesync.@TYPE@) RETURNS bytea
	AS 'int2send' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE casesync.@TYPE@ (
	INPUT = casesync_internal.@TYPE@_in, OUTPUT = casesync_internal.@TYPE@_out,
	RECEIVE = casesync_internal.@TYPE@_recv, SEND = casesync_internal.@TYPE@_send,
	INTERNALLENGTH = 2, PASSEDBYVALUE, ALIGNMENT = int2, STORAGE = plain);
COMMENT ON TYPE casesync.@TYPE@ IS 'code of directory @DIRECTORY_ID@ @TYPE@';
COMMENT ON FUNCTION casesync_internal.@TYPE@_in(cstring) IS 'input of @TYPE@';
COMMENT ON FUNCTION casesync_internal.@TYPE@_out(casesync.@TYPE@) IS 'output of @TYPE@';
COMMENT ON FUNCTION casesync_internal.@TYPE@_recv(internal) IS 'binary input of @TYPE@';
COMMENT ON FUNCTION casesync_internal.@TYPE@_send(casesync.@TYPE@) IS 'binary output of @TYPE@';

CREATE FUNCTION casesync_internal.code_eq(casesync.@TYPE@, casesync.@TYPE@) RETURNS boolean
	AS 'int2eq' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ne(casesync.@TYPE@, casesync.@TYPE@) RETURNS boolean
	AS 'int2ne' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_lt(casesync.@TYPE@, casesync.@TYPE@) RETURNS boolean
	AS 'int2lt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_le(casesync.@TYPE@, casesync.@TYPE@) RETURNS boolean
	AS 'int2le' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_gt(casesync.@TYPE@, casesync.@TYPE@) RETURNS boolean
	AS 'int2gt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ge(casesync.@TYPE@, casesync.@TYPE@) RETURNS boolean
	AS 'int2ge' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_cmp(casesync.@TYPE@, casesync.@TYPE@) RETURNS integer
	AS 'btint2cmp' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash(casesync.@TYPE@) RETURNS integer
	AS 'hashint2' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash_extended(casesync.@TYPE@, bigint) RETURNS bigint
	AS 'hashint2extended' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.code_eq(casesync.@TYPE@, casesync.@TYPE@) IS 'implements =';
COMMENT ON FUNCTION casesync_internal.code_ne(casesync.@TYPE@, casesync.@TYPE@) IS 'implements <>';
COMMENT ON FUNCTION casesync_internal.code_lt(casesync.@TYPE@, casesync.@TYPE@) IS 'implements <';
COMMENT ON FUNCTION casesync_internal.code_le(casesync.@TYPE@, casesync.@TYPE@) IS 'implements <=';
COMMENT ON FUNCTION casesync_internal.code_gt(casesync.@TYPE@, casesync.@TYPE@) IS 'implements >';
COMMENT ON FUNCTION casesync_internal.code_ge(casesync.@TYPE@, casesync.@TYPE@) IS 'implements >=';
COMMENT ON FUNCTION casesync_internal.code_cmp(casesync.@TYPE@, casesync.@TYPE@) IS 'less, equal, greater';
COMMENT ON FUNCTION casesync_internal.code_hash(casesync.@TYPE@) IS 'hash';
COMMENT ON FUNCTION casesync_internal.code_hash_extended(casesync.@TYPE@, bigint) IS 'hash with a seed';

/* In pg_catalog, so that WHERE status = 'Active' works with every search_path. */
CREATE OPERATOR pg_catalog.= (
	FUNCTION = casesync_internal.code_eq, LEFTARG = casesync.@TYPE@, RIGHTARG = casesync.@TYPE@,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR pg_catalog.<> (
	FUNCTION = casesync_internal.code_ne, LEFTARG = casesync.@TYPE@, RIGHTARG = casesync.@TYPE@,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
	RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR pg_catalog.< (
	FUNCTION = casesync_internal.code_lt, LEFTARG = casesync.@TYPE@, RIGHTARG = casesync.@TYPE@,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR pg_catalog.<= (
	FUNCTION = casesync_internal.code_le, LEFTARG = casesync.@TYPE@, RIGHTARG = casesync.@TYPE@,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR pg_catalog.> (
	FUNCTION = casesync_internal.code_gt, LEFTARG = casesync.@TYPE@, RIGHTARG = casesync.@TYPE@,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR pg_catalog.>= (
	FUNCTION = casesync_internal.code_ge, LEFTARG = casesync.@TYPE@, RIGHTARG = casesync.@TYPE@,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR pg_catalog.= (casesync.@TYPE@, casesync.@TYPE@) IS 'same code';
COMMENT ON OPERATOR pg_catalog.<> (casesync.@TYPE@, casesync.@TYPE@) IS 'another code';
COMMENT ON OPERATOR pg_catalog.< (casesync.@TYPE@, casesync.@TYPE@) IS 'before, in directory order';
COMMENT ON OPERATOR pg_catalog.<= (casesync.@TYPE@, casesync.@TYPE@) IS 'before or same';
COMMENT ON OPERATOR pg_catalog.> (casesync.@TYPE@, casesync.@TYPE@) IS 'after, in directory order';
COMMENT ON OPERATOR pg_catalog.>= (casesync.@TYPE@, casesync.@TYPE@) IS 'after or same';

CREATE OPERATOR CLASS casesync_internal.@TYPE@_ops DEFAULT FOR TYPE casesync.@TYPE@ USING btree AS
	OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=, OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=, OPERATOR 5 pg_catalog.>,
	FUNCTION 1 casesync_internal.code_cmp(casesync.@TYPE@, casesync.@TYPE@),
	FUNCTION 2 pg_catalog.btint2sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
CREATE OPERATOR CLASS casesync_internal.@TYPE@_ops DEFAULT FOR TYPE casesync.@TYPE@ USING hash AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 casesync_internal.code_hash(casesync.@TYPE@),
	FUNCTION 2 casesync_internal.code_hash_extended(casesync.@TYPE@, bigint);
COMMENT ON OPERATOR CLASS casesync_internal.@TYPE@_ops USING btree IS 'order of @TYPE@';
COMMENT ON OPERATOR CLASS casesync_internal.@TYPE@_ops USING hash IS 'hash of @TYPE@';
COMMENT ON OPERATOR FAMILY casesync_internal.@TYPE@_ops USING btree IS 'order of @TYPE@';
COMMENT ON OPERATOR FAMILY casesync_internal.@TYPE@_ops USING hash IS 'hash of @TYPE@';

CREATE FUNCTION casesync_internal.@TYPE@_from_integer(integer) RETURNS casesync.@TYPE@
	AS 'MODULE_PATHNAME', 'casesync_@TYPE@_from_integer' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_number(casesync.@TYPE@) RETURNS integer
	AS 'i2toi4' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.@TYPE@_from_integer(integer) IS 'the @TYPE@ of that number';
COMMENT ON FUNCTION casesync_internal.code_number(casesync.@TYPE@) IS 'the number of a code';
CREATE CAST (text AS casesync.@TYPE@) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS casesync.@TYPE@) WITH INOUT AS ASSIGNMENT;
CREATE CAST (bpchar AS casesync.@TYPE@) WITH INOUT AS ASSIGNMENT;
CREATE CAST (integer AS casesync.@TYPE@) WITH FUNCTION casesync_internal.@TYPE@_from_integer(integer);
CREATE CAST (casesync.@TYPE@ AS integer) WITH FUNCTION casesync_internal.code_number(casesync.@TYPE@);
COMMENT ON CAST (text AS casesync.@TYPE@) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (varchar AS casesync.@TYPE@) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (bpchar AS casesync.@TYPE@) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (integer AS casesync.@TYPE@) IS 'the code of that number';
COMMENT ON CAST (casesync.@TYPE@ AS integer) IS 'the number of the code';
-- section cast

/* @FROM@ to @TO@ */
CREATE FUNCTION casesync_internal.@FROM@_to_@TO@(casesync.@FROM@) RETURNS casesync.@TO@
	AS 'MODULE_PATHNAME', 'casesync_@FROM@_to_@TO@' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE CAST (casesync.@FROM@ AS casesync.@TO@)
	WITH FUNCTION casesync_internal.@FROM@_to_@TO@(casesync.@FROM@);
COMMENT ON FUNCTION casesync_internal.@FROM@_to_@TO@(casesync.@FROM@) IS
	'the @TO@ that means the same; an error for a local code';
COMMENT ON CAST (casesync.@FROM@ AS casesync.@TO@) IS
	'the @TO@ that means the same; an error for a local code';
