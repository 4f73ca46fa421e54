-- Route a batch of pending decisions, each exactly once: where its identity is new, one intent is
-- published and its id kept under the identity; where it is known, the id that is kept is the
-- answer; acknowledged either way. Only what is pending for this very consumer is touched: an
-- entry that a peer took over meanwhile is the peer's. Redis takes nothing back, so all that can
-- fail is looked at before the first write.
-- A symbol may be limited to so many intents in any window of time. What is beyond ends here, as a
-- record and a result that say so. Time is Redis's clock, not the entries' ids: what is limited is
-- how fast orders come out, and a backlog that is caught up with comes out now.
--
-- KEYS  stream, status, intents, results; for each entry its dedup key and its record; with a limit
--       then for each entry the times of its symbol
-- ARGV  group, consumer, field of the high-water id, field that says the group moved,
--       dedup's TTL (s), record's TTL (s), most intents in a window (0: any number), window (ms),
--       how many entries, how many words all intents share, how many names of fields differ;
--       these words (names and values in turn); these names; for each entry its id and the values
--       of these names; with a limit then for each entry "" where it does not count, else JSON:
--       [names and values of a record in turn, those of a result]
-- Gives {"ROUTED", for each entry in turn a word and an id}: NEW, id of the intent |
--       DUPLICATE, id of the intent that is there | ENDED, id of the intent that came to an end
--       ("" for one that was never published) | REJECTED, id of the result |
--       NOT_OURS, "" : nothing was done to it | SPOILED, key of a wrong type: nothing either;
--       or {"MOVED", how} | {"GONE"} | {"SPOILED", key, why}: nothing was done at all
local stream, status, intents, results = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, consumer, high_water_field, moved_field = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local dedup_ttl_s, record_ttl_s = ARGV[5], ARGV[6]
local most, window_ms = tonumber(ARGV[7]), tonumber(ARGV[8])
local count, shared, differ = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local TOTALS = {'processed_total', 'routed_total', 'duplicates_total', 'rejected_total'}
-- unpack fails past about 8,000
local PAGE = 2000
-- places before the first entry's: its keys, its words, its symbol's key, its refusal
local of_keys, of_words = 4, 11 + shared + differ
local of_symbols, of_refusals = of_keys + 2 * count, of_words + count * (1 + differ)

local function above(one, other)
  local a, b = string.match(one, '^(%d+)-(%d+)$')
  local c, d = string.match(other, '^(%d+)-(%d+)$')
  if a ~= c then return #a > #c or (#a == #c and a > c) end
  return #b > #d or (#b == #d and b > d)
end

local function wrong_type(key, wanted)
  local is = redis.call('TYPE', key)['ok']
  return is ~= wanted and is ~= 'none'
end

for index, wanted in ipairs({'stream', 'hash', 'stream', 'stream'}) do
  if wrong_type(KEYS[index], wanted) then
    return {'SPOILED', KEYS[index], 'it is no ' .. wanted}
  end
end
if most > 0 then
  for index = of_symbols + 1, #KEYS do
    if wrong_type(KEYS[index], 'list') then return {'SPOILED', KEYS[index], 'it is no list'} end
  end
end
local state = redis.call('HMGET', status, moved_field, high_water_field, unpack(TOTALS))
if state[1] then return {'MOVED', state[1]} end
for index, name in ipairs(TOTALS) do
  local held = state[index + 2]
  if held and not (#held < 16 and string.find(held, '^-?%d+$')) then
    return {'SPOILED', status, name .. ' is no number'}
  end
end

-- what is pending for us in the batch's range; what lies between its entries has some room, too
local ours = {}
local first_id, last_id = ARGV[of_words + 1], ARGV[of_words + 1 + (count - 1) * (1 + differ)]
local pending = redis.pcall('XPENDING', stream, group, first_id, last_id, 2 * count + 10, consumer)
if pending.err then return {'GONE'} end
for _, entry in ipairs(pending) do ours[entry[1]] = true end

-- what is known of the identities: of most of them nothing, which one call tells of many
local outcomes, answers = {}, {}
local function look(first, last)
  if last - first < PAGE then
    local keys = {unpack(KEYS, of_keys + 2 * first - 1, of_keys + 2 * last)}
    if redis.call('EXISTS', unpack(keys)) == 0 then return end
  end
  if first < last then
    local middle = math.floor((first + last) / 2)
    look(first, middle)
    return look(middle + 1, last)
  end
  local dedup, record = KEYS[of_keys + 2 * first - 1], KEYS[of_keys + 2 * first]
  local kept = redis.pcall('GET', dedup)
  local ended = redis.pcall('HMGET', record, 'state', 'stream_id')
  if type(kept) == 'table' then
    outcomes[first], answers[first] = 'SPOILED', dedup
  elseif ended.err then
    outcomes[first], answers[first] = 'SPOILED', record
  elseif kept then
    outcomes[first], answers[first] = 'DUPLICATE', kept
  elseif ended[1] then
    outcomes[first], answers[first] = 'ENDED', ended[2] or ''
  end
end
look(1, count)

local now = redis.call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
-- how many of a symbol's intents are of this batch
local added = {}

local function limited(of_symbol)
  local new = added[of_symbol] or 0
  if new >= most then return true end
  -- the oldest of the last `most` intents: a window that slides, not one that begins anew
  local oldest = redis.call('LINDEX', of_symbol, new - most)
  return oldest and now_ms - (tonumber(oldest) or now_ms) < window_ms
end

-- an intent's words, in which an entry's own take the place of the last one's
local words = {unpack(ARGV, 12, 11 + shared)}
for index = 1, differ do words[shared + 2 * index - 1] = ARGV[11 + shared + index] end

local function publish(from)
  for index = 1, differ do words[shared + 2 * index] = ARGV[from + index] end
  return redis.call('XADD', intents, '*', unpack(words))
end

local function refuse(record, refusal)
  local told = cjson.decode(refusal)
  local result = redis.call('XADD', results, '*', unpack(told[2]))
  redis.call('HSET', record, 'result_id', result, unpack(told[1]))
  redis.call('EXPIRE', record, record_ttl_s)
  return result
end

local verdicts, done = {}, {}
local totals = {NEW = 0, DUPLICATE = 0, ENDED = 0, REJECTED = 0}
-- of identities in this very batch: the intent's id, '' for one that was refused
local here = {}
for index = 1, count do
  local from = of_words + 1 + (index - 1) * (1 + differ)
  local id, dedup = ARGV[from], KEYS[of_keys + 2 * index - 1]
  local of_symbol, refusal = KEYS[of_symbols + index], ARGV[of_refusals + index]
  local counts = most > 0 and refusal ~= ''
  local outcome, answer = outcomes[index], answers[index]
  if not ours[id] and #redis.call('XPENDING', stream, group, id, id, 1, consumer) == 0 then
    outcome, answer = 'NOT_OURS', ''
  elseif not outcome and here[dedup] then
    outcome, answer = here[dedup] == '' and 'ENDED' or 'DUPLICATE', here[dedup]
  elseif not outcome and counts and limited(of_symbol) then
    outcome, answer = 'REJECTED', refuse(KEYS[of_keys + 2 * index], refusal)
    here[dedup] = ''
  elseif not outcome then
    outcome, answer = 'NEW', publish(from)
    redis.call('SET', dedup, answer, 'EX', dedup_ttl_s)
    here[dedup] = answer
    if counts then added[of_symbol] = (added[of_symbol] or 0) + 1 end
  end
  verdicts[2 * index - 1], verdicts[2 * index] = outcome, answer
  if totals[outcome] then
    totals[outcome] = totals[outcome] + 1
    done[#done + 1] = id
  end
end
if #done == 0 then return {'ROUTED', verdicts} end

for of_symbol, new in pairs(added) do
  for _ = 1, new do redis.call('RPUSH', of_symbol, now_ms) end
  redis.call('LTRIM', of_symbol, -most, -1)
  redis.call('PEXPIRE', of_symbol, window_ms)
end
redis.call('XACK', stream, group, unpack(done))
redis.call('HINCRBY', status, 'processed_total', #done)
redis.call('HINCRBY', status, 'routed_total', totals.NEW)
redis.call('HINCRBY', status, 'duplicates_total', totals.DUPLICATE + totals.ENDED)
redis.call('HINCRBY', status, 'rejected_total', totals.REJECTED)
local highest = state[2]
for _, id in ipairs(done) do
  if not highest or above(id, highest) then highest = id end
end
redis.call('HSET', status, high_water_field, highest)
return {'ROUTED', verdicts}
