-- The people of the demo: invented, the same on every run, and the same in both systems, which know
-- overlapping parts of them. Leaves the temporary table resident to the script that includes this.
-- \set first 1 \set last 10000 choose the part.

-- A number from 0 to size - 1 that depends on nothing but n and the question.
CREATE FUNCTION pg_temp.pick(n integer, question text, size integer) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN ('x' || substr(md5(question || n), 1, 7))::bit(28)::integer % size;

CREATE FUNCTION pg_temp.pick_word(n integer, question text, words text[]) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN words[1 + pg_temp.pick(n, question, cardinality(words))];

-- The check digit of Luhn: every second digit from the right counts twice.
CREATE FUNCTION pg_temp.check_digit(digits text) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT ((10 - sum(CASE WHEN place % 2 = 0 THEN digit
				WHEN digit > 4 THEN digit * 2 - 9 ELSE digit * 2 END) % 10) % 10)::text
	  FROM (SELECT substr(reverse(digits), place, 1)::integer AS digit, place
			  FROM generate_series(1, length(digits)) place) d;
END;

CREATE TEMP TABLE resident AS
WITH placed AS (
	SELECT n, sum((n = 1 OR pg_temp.pick(n, 'new household', 100) < 28)::integer)
				OVER (ORDER BY n)::integer AS household
	  FROM generate_series(1, :last) n
), member AS (
	SELECT *, row_number() OVER (PARTITION BY household ORDER BY n) AS place,
		CASE WHEN pg_temp.pick(n, 'sex', 1000) < 508 THEN 'F' ELSE 'M' END AS sex
	  FROM placed
), aged AS (
	SELECT *, date '2026-01-01' - pg_temp.pick(n, 'birthday', 365) - 365 *
		CASE WHEN place = 1 THEN 24 + pg_temp.pick(n, 'age', 45)
			WHEN place = 2 AND pg_temp.pick(n, 'couple', 10) < 7 THEN 20 + pg_temp.pick(n, 'age', 45)
			WHEN pg_temp.pick(n, 'generation', 10) < 2 THEN 18 + pg_temp.pick(n, 'age', 62)
			ELSE pg_temp.pick(n, 'age', 18)
		END AS born
	  FROM member
), known AS (
	SELECT *, date '2026-01-01' - born >= 18 * 365 AND date '2026-01-01' - born < 65 * 365 AS of_working_age,
		CASE WHEN born < '1960-01-01' AND pg_temp.pick(n, 'death', 100) < 4
			THEN date '2025-01-01' + pg_temp.pick(n, 'day of death', 330) END AS died,
		to_char(born, 'YYMM') || lpad((n::bigint * 7368787 % 10000000)::text, 7, '0') AS digits
	  FROM aged
)
SELECT n, household, place, sex, born, died, of_working_age,
	digits || pg_temp.check_digit(digits) AS national_id,
	pg_temp.pick_word(household, 'surname', '{Diallo,Traoré,Koné,Ouédraogo,Sawadogo,Kaboré,Sangaré,Coulibaly,
		Touré,Camara,Keïta,Cissé,Bâ,Sow,Barry,Fofana,Konaté,Dembélé,Sidibé,Zongo,Nikiéma,Compaoré,Bamba,
		Yao,Kouassi,Konan,N''Guessan,Kouadio,Assogba,Hounkpatin,Adjovi,Mensah,Amegah,Lawson,Agbéko,Issoufou,
		Maïga,Hamidou,Abdou,Moussa,Tall,Ndiaye,Diop,Faye,Sarr,Gueye,Mbaye,Sène,Diouf,Thiam,Sy,Kane}'::text[])
		AS surname,
	CASE sex WHEN 'F' THEN pg_temp.pick_word(n, 'given name', '{Aminata,Fatoumata,Mariam,Awa,Aïcha,Kadiatou,
		Rokia,Salimata,Djénéba,Oumou,Assétou,Adjoa,Akissi,Affoué,Adèle,Clarisse,Rasmata,Safiatou,Habibatou,
		Nafissatou,Rama,Khady,Ndèye,Coumba,Astou,Sokhna,Afi,Akouvi,Essi,Ablavi,Pélagie,Véronique,Honorine}'::text[])
	ELSE pg_temp.pick_word(n, 'given name', '{Mamadou,Ibrahim,Moussa,Ousmane,Seydou,Adama,Boubacar,Issa,
		Abdoulaye,Souleymane,Yacouba,Lassina,Drissa,Salif,Kouamé,Koffi,Kwame,Yaw,Kossi,Komlan,Serge,Armand,
		Théophile,Cheikh,Modou,Pape,Alioune,Babacar,Idrissa,Hamado,Rasmané,Étienne,Blaise}'::text[])
	END AS given_name,
	pg_temp.pick_word(household, 'district', '{Nord-Lac,Plateau,Grand-Marché,Zone industrielle,Rive gauche,
		Sainte-Rita,Kéra,Les Palmiers,Vieux-Port,Hippodrome}'::text[]) AS district,
	died IS NULL AND of_working_age AND pg_temp.pick(n, 'public works', 100) < 40 AS in_public_works,
	CASE WHEN pg_temp.pick(n, 'status', 100) < 68 THEN 'Active'
		WHEN pg_temp.pick(n, 'status', 100) < 77 THEN 'Suspended'
		WHEN pg_temp.pick(n, 'status', 100) < 90 THEN 'Exited'
		WHEN pg_temp.pick(n, 'status', 100) < 96 THEN 'Inactive'
		ELSE 'Awaiting Renewal' END AS public_works_status,
	CASE WHEN pg_temp.pick(n, 'work', 100) < 38 THEN 'Employed'
		WHEN pg_temp.pick(n, 'work', 100) < 92 THEN 'Not Employed' ELSE 'Unknown' END AS employment_status,
	pg_temp.pick(n, 'consent', 100) < 92 AS consents,
	date '2024-01-08' + 7 * pg_temp.pick(n, 'week', 90) AS since
  FROM known
 WHERE n >= :first;
