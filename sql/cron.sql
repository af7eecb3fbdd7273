-- Cron expressions: what they accept, what is next, and what clocks that go forward and back do.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset null '(null)'
CREATE SCHEMA cron_test;

-- good ones: no problem
SELECT e AS expression, casesync.cron_check(e) AS problem FROM unnest(ARRAY[
	'* * * * *', '*/5 * * * *', '0 6 * * 1-5', '0 6 * jan,JUL mon-Fri', '0 0 1-7 * 0', '0 0 * * 7',
	'30 4 1,15 * 5', '0 22 * * fri-mon', '0 0 * * sat-sun', '5/20 * * * *', '10-40/10 * * * *',
	'0 0 12 * * *', '0 0 0 5,15 * ? *', '0 15 10 ? * MON-FRI *', '0 0 0 1 1 ? 2030-2040/2',
	E' 0\t0 * * * ', '0 0 * * WED', '0 0 29 2 *']) e;

-- bad ones: a sentence each
SELECT e AS expression, casesync.cron_check(e) AS problem FROM unnest(ARRAY[
	'', ' ', '* * * *', '* * * * * * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * 32 * *',
	'* * * 13 *', '* * * * 8', '0 0 0 ? * 0 *', '* * * foo *', '* * * * monday', '5-1 * * * *',
	'*/0 * * * *', '*/60 * * * *', '1/x * * * *', ', * * * *', '1,,2 * * * *', '1- * * * *', '-1 * * * *',
	'0 0 ? * *', '0 0 0 ? * ?', '0 0 0 1,? * MON *', '0 0 L * *', '0 0 LW * *', '0 0 L-3 * *', '0 0 15W * *',
	'0 0 * * 5L', '0 0 * * FRI#2', '0 0 * * 6#3', '0 0 0 1 1 ? 1969', '0 0 0 1 1 ? 2200', '0 0 0 1 * 2 *',
	'0 0 0 1 1 2026', '12345 * * * *', '@daily', '1;2 * * * *', repeat('1,', 127) || '1 * * * *']) e;
SELECT casesync.cron_check(NULL);

-- the next times, by the clocks of a zone
CREATE FUNCTION cron_test.times(expression text, after timestamptz, zone text, many integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	next timestamptz := after;
	written text := '';
BEGIN
	FOR i IN 1..many LOOP
		next := casesync.cron_next(expression, next, zone);
		written := written || ' ' || coalesce(to_char(next, 'YYYY-MM-DD"T"HH24:MI:SS'), 'never');
		EXIT WHEN next IS NULL;
	END LOOP;
	RETURN substr(written, 2);
END
$$;
SELECT e AS expression, cron_test.times(e, '2026-11-22 10:15:30.5+00', 'UTC', 3) AS next FROM unnest(ARRAY[
	'* * * * *', '*/20 * * * * *', '0 6 * * 1-5', '0 0 1 * 0', '0 0 29 2 *', '0 0 29 2 1', '0 0 30 2 *', '0 0 31 4,6 *',
	'0 0 0 5,15 * ? *', '0 0 0 ? * 1 *', '0 0 * * 7', '0 0 0 1 1 ? 2026', '0 0 0 1 1 ? 2199', '59 59 23 31 12 ? 2199',
	'15 10 * * *', '30 15 10 * * *', '31 15 10 * * *']) e;
-- strictly after
SELECT casesync.cron_next('0 6 * * *', '2026-11-22 06:00:00+00', 'UTC');
SELECT casesync.cron_next('0 6 * * *', '2026-11-22 05:59:59.999999+00', 'UTC');
-- zones
SELECT casesync.cron_next('0 6 * * *', '2026-11-22 00:00+00', 'Asia/Kathmandu');
SELECT casesync.cron_next('0 6 * * *', '2026-11-22 00:00+00', 'America/New_York');
SELECT casesync.cron_next('0 6 * * *', '2026-11-22 00:00+00', 'europe/paris');

-- Berlin, 29 March 2026: 02:00 becomes 03:00 (01:00 UTC). A time left out is due at once ...
SELECT cron_test.times('30 2 * * *', '2026-03-28 00:00+00', 'Europe/Berlin', 3);
SELECT cron_test.times('0,15,30 2 * * *', '2026-03-28 12:00+00', 'Europe/Berlin', 2);
SELECT cron_test.times('0 3 * * *', '2026-03-28 12:00+00', 'Europe/Berlin', 2);
-- ... and every hour goes on with the next hour
SELECT cron_test.times('30 * * * *', '2026-03-28 23:45+00', 'Europe/Berlin', 3);
SELECT cron_test.times('*/30 * * * *', '2026-03-29 00:10+00', 'Europe/Berlin', 3);

-- 25 October 2026: 03:00 becomes 02:00 (01:00 UTC). A time that comes twice counts once ...
SELECT cron_test.times('30 2 * * *', '2026-10-24 12:00+00', 'Europe/Berlin', 2);
SELECT cron_test.times('*/20 2 * * *', '2026-10-24 23:50+00', 'Europe/Berlin', 4);
SELECT casesync.cron_next('30 2 * * *', '2026-10-25 01:05+00', 'Europe/Berlin');
-- ... and every hour is really every hour
SELECT cron_test.times('30 * * * *', '2026-10-24 23:45+00', 'Europe/Berlin', 4);
SELECT casesync.cron_next('*/30 * * * *', '2026-10-25 01:05+00', 'Europe/Berlin');

-- a whole day that never was: Samoa, 30 December 2011
SELECT cron_test.times('0 12 * * *', '2011-12-29 21:00+00', 'Pacific/Apia', 3);

-- every answer fits its expression, is later, and skips nothing that fits
SELECT count(*), bool_and(n > t) AS later, bool_and(extract(minute FROM n) IN (0, 7, 14) AND extract(dow FROM n) BETWEEN 1 AND 5) AS fits,
	bool_and(n = (SELECT min(m) FROM generate_series(date_trunc('minute', t) + interval '1 minute', t + interval '4 days', interval '1 minute') m
				   WHERE extract(minute FROM m) IN (0, 7, 14) AND extract(hour FROM m) IN (9, 17) AND extract(dow FROM m) BETWEEN 1 AND 5)) AS first
  FROM (SELECT t, casesync.cron_next('0-20/7 9,17 * * 1-5', t, 'UTC') AS n
		  FROM generate_series('2026-01-01 00:00+00'::timestamptz, '2026-03-01', interval '617 minutes 13 seconds') t) s;

-- the ends of time
SELECT casesync.cron_next('0 0 * * *', 'infinity', 'UTC'), casesync.cron_next('0 0 * * *', '-infinity', 'UTC'),
	casesync.cron_next('0 0 * * *', '1900-01-01 00:00+00', 'UTC'), casesync.cron_next('0 0 * * *', '2199-12-31 00:00+00', 'UTC'),
	casesync.cron_next('0 0 * * *', '200000-01-01 00:00+00', 'UTC');
-- faults of the caller
SELECT casesync.cron_next('0 0 L * *', now(), 'UTC');
SELECT casesync.cron_next('0 0 * * *', now(), 'Atlantis/Capital');
SELECT casesync.cron_next(NULL, now(), 'UTC') IS NULL AS nothing;

DROP SCHEMA cron_test CASCADE;
DROP EXTENSION casesync CASCADE;
