-- Claim intents, or move them to SUBMITTING before their requests leave: only where the pending
-- entry is ours, the identity is nobody else's, and the risk guard lets the order pass.
-- An entry whose identity has a record of another entry is a duplicate, one whose record is settled
-- was done before: both are acknowledged, neither has an effect.
--
-- KEYS  stream, status, exposure, open symbols, rate of orders, leverages, kill switch
-- ARGV  group, consumer, field that says the group moved, prefix of the records, JSON:
--       {now_ms, max_order, max_symbol (1e-6 USD), max_open, max_orders, items}, item:
--       {id, identity, stage (CLAIMED | SUBMITTING), epoch ("": not claimed yet), fields (in turn),
--        deadline_ms, symbol, adds (may make a position larger), units (signed, 1e-8), worth (1e-6
--        USD), price, leverage ("": whatever it is)}; items in the stream's order
-- Gives {"MOVED", how} | {"GONE"} | {"SPOILED", key, why}: nothing was done
--     | {"BEGAN", answers}, for each item:
--       {"CLAIMED" | "SUBMITTING", epoch, deliveries} | {"UNDER_WAY", epoch, deliveries, record}:
--       it was SUBMITTING already, and is ours to settle now | {"DUPLICATE", id of the first, state}
--     | {"SETTLED", state} | {"NOT_OURS"} | {"STALE"}: the record has another epoch
--     | {"REFUSED", reason, detail}: by the guard | {"LEVERAGE"}: not the one it is known to have
--     | {"SPOILED", key, why}
local stream, status, exposure, open, rate, leverages, kill_switch =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local group, consumer, prefix = ARGV[1], ARGV[2], ARGV[4]
local asked = cjson.decode(ARGV[5])
local items, now_ms = asked.items, asked.now_ms
local TERMINAL = {FILLED = 1, REJECTED = 1, FAILED = 1, EXPIRED = 1, DRAINED = 1, UNKNOWN = 1}

-- @part risk_guard
-- @part own_pending

for index, wanted in ipairs({'stream', 'hash', 'hash', 'set', 'hash', 'hash'}) do
  if wrong_type(KEYS[index], wanted) then return {'SPOILED', KEYS[index], 'it is no ' .. wanted} end
end
local moved = redis.call('HGET', status, ARGV[3])
if moved then return {'MOVED', moved} end
local deliveries = own_pending(stream, group, consumer, items)
if not deliveries then return {'GONE'} end

local function one(item)
  if not deliveries[item.id] then return {'NOT_OURS'} end
  local key = prefix .. item.identity
  local held = redis.pcall('HMGET', key, 'state', 'stream_id', 'epoch', 'reserved')
  if held.err then return {'SPOILED', key, 'it is no hash'} end
  local state, epoch, reserved = held[1], tonumber(held[3] or 0), tonumber(held[4] or 0)
  if not epoch or not reserved then return {'SPOILED', key, 'no number'} end
  if state and held[2] ~= item.id then
    redis.call('XACK', stream, group, item.id)
    return {'DUPLICATE', held[2] or '', state}
  end
  if state and TERMINAL[state] then
    redis.call('XACK', stream, group, item.id)
    return {'SETTLED', state}
  end
  if item.epoch ~= '' and (not state or item.epoch ~= held[3]) then return {'STALE'} end
  if item.epoch == '' then epoch = epoch + 1 end
  if state == 'SUBMITTING' and item.epoch == '' then
    redis.call('HSET', key, 'owner', consumer, 'epoch', epoch, 'updated_ms', now_ms)
    return {'UNDER_WAY', epoch, deliveries[item.id], redis.call('HGETALL', key)}
  end

  local words = item.fields
  local function set(field, value)
    words[#words + 1] = field
    words[#words + 1] = value
  end
  if item.stage == 'SUBMITTING' then
    local of = of_symbol(item.symbol)
    if not of then return {'SPOILED', exposure, item.symbol .. ' has no number'} end
    local reason, detail = refused(item, of, reserved)
    if reason then return {'REFUSED', reason, detail} end
    if item.leverage ~= '' and redis.call('HGET', leverages, item.symbol) ~= item.leverage then
      return {'LEVERAGE'}
    end
    passed(item.symbol, of)
    if reserved == 0 then
      -- what only reduces holds the least there is: while anything is held nobody corrects the
      -- position by the exchange's books
      local room = item.adds and item.worth or '1'
      reserve(of, tonumber(room))
      set('reserved', room)
    end
    set('sent_ms', now_ms)
    set('deadline_ms', item.deadline_ms)
  end
  if not state then set('created_ms', now_ms) end
  set('owner', consumer)
  set('epoch', epoch)
  set('updated_ms', now_ms)
  set('state', item.stage)
  redis.call('HSET', key, unpack(words))
  return {item.stage, epoch, deliveries[item.id]}
end

local answers = {}
for index, item in ipairs(items) do answers[index] = one(item) end
write_back('')
return {'BEGAN', answers}
