-- Fills a new database with members and their histories, by the million, as the service itself would have written
-- them: `loyalty verify` passes on the result. Only the outbox stays empty, as it does where deliveries keep up.
--
-- Every member of a group has the same history: stay k of n ended $start + k steps ago, cost the same, earned
-- 1,411 points, two nights, one stay and 1,411.00 of spend. So all that follows is arithmetic on (member, k).

-- name: create_workbench
CREATE SCHEMA bench;

-- name: create_members
-- `suffix` ends every id of the member: its index and its shard.
CREATE UNLOGGED TABLE bench.member (
    idx       integer  PRIMARY KEY,
    shard     smallint NOT NULL,
    member_id uuid     NOT NULL,
    number    text     NOT NULL,
    stays     integer  NOT NULL,
    suffix    text     NOT NULL GENERATED ALWAYS AS (lpad(to_hex(idx), 10, '0') || lpad(to_hex(shard::integer), 4, '0')) STORED
);

-- name: index_members
CREATE INDEX ON bench.member (stays, idx);

-- name: create_text
-- A text as it goes into a leaf hash: behind its length.
CREATE FUNCTION bench.text(words text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT int4send(octet_length(words)) || convert_to(words, 'UTF8')
$$;

-- name: create_day
-- A date as it goes into a leaf hash: days since 1 January of year 1, which is day 1.
CREATE FUNCTION bench.day(day date) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT int4send(day - date '0001-01-01' + 1)
$$;

-- name: create_parts
-- What each stay moves.
CREATE VIEW bench.part (line, unit, kind, credit, amount) AS
VALUES (1, 'points', 'base', 'available', 1411::bigint), (2, 'nights', 'count', 'counted', 20),
       (3, 'stays', 'count', 'counted', 1), (4, 'spend', 'count', 'counted', 141100);

-- name: create_moments
-- When stay k of a group took place. `prefix` begins every id minted then, as a UUIDv7 does; `leaf` ends every leaf
-- hash: the transfers.
CREATE UNLOGGED TABLE bench.moment (
    stays   integer     NOT NULL,
    k       integer     NOT NULL,
    at      timestamptz NOT NULL,
    ended   date        NOT NULL,
    expires date        NOT NULL,
    prefix  text        NOT NULL,
    leaf    bytea,
    PRIMARY KEY (stays, k)
);

-- name: create_entries
-- Every stay of every member. The digit between prefix and suffix says what the id is for: 1 journal, 2 stay.
CREATE VIEW bench.entry AS
SELECT stays, k, idx, shard, member_id, number, at, ended, expires, leaf, 'H' || lpad(k::text, 5, '0') || '-' || idx AS stay_ref,
       (prefix || '81' || suffix)::uuid AS journal_id, (prefix || '82' || suffix)::uuid AS stay_id
FROM bench.moment JOIN bench.member USING (stays);

-- name: insert_moments
-- $1 stays of the group, $2 enrolment, $3 time between two stays, $4 time before the first. Stay 0 is the enrolment.
INSERT INTO bench.moment (stays, k, at, ended, expires, prefix, leaf)
SELECT $1, k, at, at::date - 1, (at::date - 1 + interval '24 months')::date,
       lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(k % 4096), 3, '0'),
       (SELECT string_agg(int2send(line::smallint) || int8send(amount) || bench.day(at::date - 1) || bench.text(unit)
                          || bench.text(kind) || bench.text('issued') || bench.text(credit), '' ORDER BY line)
        FROM bench.part WHERE k > 0)
FROM generate_series(0, $1::integer) AS k, 
     LATERAL (SELECT $2::timestamptz + k * $3::interval + sign(k) * $4::interval AS at) AS moment;

-- name: analyze_members
ANALYZE bench.member, bench.moment;

-- name: drop_workbench
DROP SCHEMA bench CASCADE;

-- name: insert_property
INSERT INTO property (code, name_en, name_zh, time_zone, currency)
VALUES ($1, 'Benchmark', '基准测试', 'Asia/Shanghai', 'CNY');

-- name: insert_members
-- $1 stays of the group, $2 counters, $3 enrolment, $4 first expiry
INSERT INTO member (shard, member_id, number, enrolled_on, version, available, counters, next_expiry)
SELECT shard, member_id, number, $3::timestamptz::date, 1 + $1::integer, 1411 * $1, $2::json, $4::date
FROM bench.member WHERE stays = $1 ORDER BY idx;

-- name: insert_enrolments
INSERT INTO journal (shard, journal_id, member_id, version, kind, effective_on, recorded_at, reason, actor, balance)
SELECT shard, journal_id, member_id, 1, 'enrolled', at::date, at, 'enrolled', 'bench', 0
FROM (SELECT * FROM bench.entry WHERE stays = $1 AND k = 0 ORDER BY idx) AS entry;

-- name: insert_enrolment_leaves
INSERT INTO unsealed (shard, journal_id, leaf)
SELECT shard, journal_id,
       sha256('loyalty journal 1'::bytea || int2send(shard) || uuid_send(journal_id) || uuid_send(member_id) || int8send(1)
              || bench.day(at::date) || int8send(0) || decode(repeat('00', 32), 'hex')
              || bench.text('enrolled') || bench.text('enrolled') || bench.text('bench'))
FROM (SELECT * FROM bench.entry WHERE stays = $1 AND k = 0 ORDER BY idx) AS entry;

-- name: insert_stay_journals
-- All that follow: $1 stays of the group, $2 first and $3 last stay of this portion.
-- Ordered by time, as the indexes would have grown; and before the wide columns are made.
INSERT INTO journal (shard, journal_id, member_id, version, kind, effective_on, recorded_at, reason, actor, stay_id, balance)
SELECT shard, journal_id, member_id, k + 1, 'stay_posted', ended, at, 'checked_out BENCH0 ' || stay_ref, 'bench', stay_id,
       1411 * k
FROM (SELECT * FROM bench.entry WHERE stays = $1 AND k BETWEEN $2 AND $3 ORDER BY k, idx) AS entry;

-- name: insert_stay_transfers
INSERT INTO transfer (shard, journal_id, line, unit, kind, debit, credit, amount, effective_on)
SELECT shard, journal_id, line, unit, kind, 'issued', credit, amount, ended
FROM (SELECT * FROM bench.entry WHERE stays = $1 AND k BETWEEN $2 AND $3 ORDER BY k, idx) AS entry, bench.part;

-- name: insert_stay_leaves
INSERT INTO unsealed (shard, journal_id, leaf)
SELECT shard, journal_id,
       sha256('loyalty journal 1'::bytea || int2send(shard) || uuid_send(journal_id) || uuid_send(member_id) || int8send(k + 1)
              || bench.day(ended) || int8send(1411 * k) || uuid_send(stay_id) || decode(repeat('00', 16), 'hex')
              || bench.text('stay_posted') || bench.text('checked_out BENCH0 ' || stay_ref) || bench.text('bench') || leaf)
FROM (SELECT * FROM bench.entry WHERE stays = $1 AND k BETWEEN $2 AND $3 ORDER BY k, idx) AS entry;

-- name: insert_stay_lots
INSERT INTO lot (shard, lot_id, member_id, amount, remaining, earned_on, expires_on)
SELECT shard, journal_id, member_id, 1411, 1411, ended, expires
FROM (SELECT * FROM bench.entry WHERE stays = $1 AND k BETWEEN $2 AND $3 ORDER BY k, idx) AS entry;

-- name: insert_stay_directory
INSERT INTO stay_directory (source, property, stay_ref, leg, shard, member_id, stay_id)
SELECT 'bench', 'BENCH0', stay_ref, 1, shard, member_id, stay_id
FROM (SELECT * FROM bench.entry WHERE stays = $1 AND k BETWEEN $2 AND $3 ORDER BY k, idx) AS entry;

-- name: insert_stay_revisions
INSERT INTO stay_revision (shard, stay_id, revision, member_id, outcome, snapshot, award, reply, journal_id, recorded_at)
SELECT shard, stay_id, 0, member_id, 'posted',
       format('{"source":"bench","property":"BENCH0","stay_ref":"%s","member":"%s","status":"checked_out",'
              '"arrival":"%s","departure":"%s","channel":"direct","currency":"CNY","lines":[{"category":"room",'
              '"amount":"1197.00"},{"category":"food","amount":"214.00"},{"category":"tax","amount":"173.58"}],'
              '"rate_code":"BAR","room_type":"DLX"}',
              stay_ref, number, ended - 2, ended)::json,
       format('{"tier":"silver","program":"house@1","effective_on":"%s","expires_on":"%s","base":1411,'
              '"counts":{"nights":20,"stays":1,"spend":141100}}', ended, expires)::json,
       format('{"stay_id":"sty_%s","member_id":"mem_%s","outcome":"posted","revision":0,"program":"house@1",'
              '"points":{"base":1411,"tier_bonus":0,"promotion":0,"total":1411},"change":1411,"nights":"2","balance":{"available":%s,'
              '"pending":0,"held":0,"debt":0},"tier":{"before":"silver","after":"silver"},"milestones":[],"why":['
              '{"code":"category_eligible","category":"room","amount":"1197.00","rate":"1"},'
              '{"code":"category_eligible","category":"food","amount":"214.00","rate":"1"},'
              '{"code":"category_not_eligible","category":"tax","amount":"173.58"},'
              '{"code":"base","amount":"1411.00","points":1411}]}',
              replace(stay_id::text, '-', ''), replace(member_id::text, '-', ''), 1411 * k)::json,
       journal_id, at
FROM (SELECT * FROM bench.entry WHERE stays = $1 AND k BETWEEN $2 AND $3 ORDER BY k, idx) AS entry;

-- name: insert_milestones
INSERT INTO milestone_grant (shard, member_id, milestone, ordinal, status, journal_id, changed_at)
SELECT shard, member_id, 'tenth_stay', k / 10, 'granted', journal_id, at
FROM (SELECT * FROM bench.entry WHERE stays = $1 AND k BETWEEN $2 AND $3 AND k % 10 = 0 ORDER BY k, idx) AS entry;

-- name: insert_account_deltas
INSERT INTO account_delta (shard, account, unit, amount)
SELECT shard, 'issued', unit, -sum(stays * amount)
FROM bench.member, bench.part
WHERE stays > 0
GROUP BY shard, unit;
