-- Settle intents: for each its state, its execution.result and apply.result entries, what it did to
-- exposure and to paper's book, and the acknowledgement; all of it or nothing, and once, since only
-- the epoch of who began it may. One without a record is begun and settled at once: what ends before
-- any exchange hears of it, and what is filled on paper, where the risk guard is asked here.
-- UNKNOWN settles nothing but the entry: it alerts, keeps its room in the exposure, and has no result
-- until it is resolved, which is this script with from = UNKNOWN.
--
-- KEYS  stream, status, execution.result, alerts, exposure, open symbols, protected, rate of orders,
--       kill switch, and apply.result where its entry is wanted
-- ARGV  group, consumer, prefix of the records, prefix of the protected of a symbol, TTL (s), JSON:
--       {now_ms, max_order, max_symbol (1e-6 USD), max_open, max_orders, book ("": no paper),
--        book_of (prefix of paper's orders), result, applied ([[name, field of the record or of the
--        item, else its own text]]), items}, item:
--       {id, epoch ("": no record yet), from ("UNKNOWN" where it is resolved), record (its fields,
--        with identity, symbol, reduce_only and the state it ends in), executed, details, alert
--        (names and values in turn), units (signed, 1e-8), resting ([[id, fields]]: protective
--        orders for paper's book; a fill is written there by its record), look_ms ("" or when its
--        protective orders are to be looked at); for the guard, without a record: adds (may make a
--        position larger), worth (1e-6 USD), price}; items in the stream's order
-- Gives one answer for each item: {"DONE", id of the result} | {"STANDS", state, id, epoch}: the
--       record is another's, or of another epoch or state | {"NOT_OURS"} | {"NO_POSITION"}: paper
--       has nothing to reduce by so much | {"REFUSED", reason, detail}: by the guard
--     | {"SPOILED", key, why}; after all but the first nothing was done for it
local stream, status, results, alerts, exposure, open, protected, rate, kill_switch, applied =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local group, consumer, prefix, protected_of, ttl_s = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local asked = cjson.decode(ARGV[6])
local UNDER_WAY = {CLAIMED = 1, SUBMITTING = 1}
--: what the scripts alone write
local OWN = {epoch = 1, owner = 1, reserved = 1, deadline_ms = 1, created_ms = 1, updated_ms = 1,
  result_id = 1}
--: 1e-8 base units: what HINCRBY can hold, with room
local MOST_UNITS = 9e18
local totals, settled = {}, {}

-- @part risk_guard
-- @part own_pending

for index, wanted in ipairs(
  {'stream', 'hash', 'stream', 'stream', 'hash', 'set', 'zset', 'hash', '', 'stream'}) do
  if KEYS[index] and wanted ~= '' and wrong_type(KEYS[index], wanted) then
    return {{'SPOILED', KEYS[index], 'it is no ' .. wanted}}
  end
end
if asked.book ~= '' and wrong_type(asked.book, 'hash') then
  return {{'SPOILED', asked.book, 'it is no hash'}}
end
local deliveries = {}
if asked.items[1].id ~= '' then
  deliveries = own_pending(stream, group, consumer, asked.items) or {}
end

-- Why an item may not be settled, {...} as given; nothing where it may.
local function held_back(item, key, held)
  local state, reserved, units = held[1], held[4] or '0', tonumber(item.units)
  if item.epoch == '' then
    if state then return {'STANDS', state, held[2] or '', held[3] or ''} end
    if not deliveries[item.id] then return {'NOT_OURS'} end
  elseif held[3] ~= item.epoch or
      not (item.from == state or (item.from == '' and UNDER_WAY[state])) then
    return {'STANDS', state or '', held[2] or '', held[3] or ''}
  end
  if units == 0 and reserved == '0' then return end
  local symbol = item.record.symbol
  local of = of_symbol(symbol)
  if not of or not countable(reserved) then
    return {'SPOILED', exposure, symbol .. ' has no number'}
  end
  if math.abs(of.position + units) > MOST_UNITS then
    return {'SPOILED', exposure, symbol .. ' would hold too much'}
  end
  if asked.book ~= '' and item.record.reduce_only == 'true' and units ~= 0
      and (of.position * units >= 0 or math.abs(units) > math.abs(of.position)) then
    return {'NO_POSITION'}
  end
  if item.epoch == '' and units ~= 0 then
    local reason, detail = refused(item, of, 0)
    if reason then return {'REFUSED', reason, detail} end
    passed(symbol, of)
  end
end

-- The words of an entry whose names and own texts stay, and the field that each other value is from.
local function mould(shape)
  local words, sources = {}, {}
  for at, each in ipairs(shape) do
    words[2 * at - 1], words[2 * at] = each[1], each[3]
    if each[2] ~= '' then sources[2 * at] = each[2] end
  end
  return {words = words, sources = sources}
end
local of_result, of_applied = mould(asked.result), mould(asked.applied)

local function cast(mould, item)
  local words, record = mould.words, item.record
  for at, source in pairs(mould.sources) do words[at] = record[source] or item[source] or '' end
  return words
end

local function book(id, fields)
  redis.call('HSET', asked.book_of .. id, unpack(fields))
  redis.call('EXPIRE', asked.book_of .. id, ttl_s)
end

local function publish(item, units, reserved)
  local result = redis.call('XADD', results, '*', unpack(cast(of_result, item)))
  if applied then redis.call('XADD', applied, '*', unpack(cast(of_applied, item))) end
  local symbol = item.record.symbol
  if units ~= 0 then move(symbol, of_symbol(symbol), units, item.units) end
  if reserved ~= '0' then reserve(of_symbol(symbol), -tonumber(reserved)) end
  if asked.book ~= '' and units ~= 0 then
    local of = item.record
    book(of.client_order_id, {'symbol', symbol, 'side', of.order_side, 'quantity', of.filled_qty,
      'price', of.average_price, 'status', 'FILLED', 'kind', 'MARKET', 'reduce_only', of.reduce_only})
  end
  for _, order in ipairs(item.resting or {}) do book(order[1], order[2]) end
  return result
end

local function one(item)
  local record = item.record
  local key, ends_as = prefix .. record.identity, record.state
  local held = redis.pcall('HMGET', key, 'state', 'stream_id', 'epoch', 'reserved')
  if held.err then return {'SPOILED', key, 'it is no hash'} end
  local back = held_back(item, key, held)
  if back then return back end
  local state, units, unknown = held[1], tonumber(item.units), ends_as == 'UNKNOWN'

  local words, many, result = {}, 0, ''
  local function set(field, value)
    words[many + 1], words[many + 2] = field, value
    many = many + 2
  end
  if unknown then
    redis.call('XADD', alerts, '*', unpack(item.alert))
  else
    result = publish(item, units, held[4] or '0')
  end
  if not state then
    set('created_ms', asked.now_ms)
    set('epoch', 1)
    set('owner', consumer)
  elseif not unknown then
    set('reserved', 0)
    set('deadline_ms', 0)
  end
  set('updated_ms', asked.now_ms)
  set('result_id', result)
  for field, value in pairs(record) do
    if value ~= '' and not OWN[field] then
      words[many + 1], words[many + 2] = field, value
      many = many + 2
    end
  end
  redis.call('HSET', key, unpack(words))
  if not unknown and item.look_ms == '' then
    redis.call('EXPIRE', key, ttl_s)
  elseif not unknown then
    redis.call('ZADD', protected, item.look_ms, record.identity)
    redis.call('SADD', protected_of .. record.symbol, record.identity)
  end
  if record.reduce_only == 'true' and units ~= 0 then
    -- what protected this position may have nothing left to protect
    for _, identity in ipairs(redis.call('SMEMBERS', protected_of .. record.symbol)) do
      redis.call('ZADD', protected, 'XX', asked.now_ms, identity)
    end
  end
  if item.id ~= '' then settled[#settled + 1] = item.id end
  totals[ends_as] = (totals[ends_as] or 0) + 1
  return {'DONE', result}
end

local answers = {}
for index, item in ipairs(asked.items) do answers[index] = one(item) end
write_back(asked.book)
if #settled > 0 then redis.call('XACK', stream, group, unpack(settled)) end
for state, count in pairs(totals) do
  redis.call('HINCRBY', status, string.lower(state) .. '_total', count)
end
return answers
