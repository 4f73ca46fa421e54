-- The risk guard, and what it reckons with: shared by all instances, so it is asked in the script
-- that takes its room. Needs `exposure`, `open`, `rate`, `kill_switch` (keys) and `asked`.

local UNIT, MICRO, MINUTE_S = 1e8, 1e6, 60
--: sums of deltas are exact as numbers below it
local EXACT = 2 ^ 50

local function wrong_type(key, wanted)
  local is = redis.call('TYPE', key)['ok']
  return is ~= wanted and is ~= 'none'
end

local function countable(value)
  return not value or (#value < 20 and string.find(value, '^-?%d+$'))
end

-- each symbol that is asked for, with what is added to it; written in the end
local symbols, open_count = {}, nil
local function of_symbol(name)
  local of = symbols[name]
  if not of then
    local held = redis.call('HMGET', exposure, 'position:' .. name, 'inflight:' .. name)
    if not (countable(held[1]) and countable(held[2])) then return nil end
    of = {position = tonumber(held[1] or 0), inflight = tonumber(held[2] or 0),
          open = held[1] or held[2], units = 0, worth = 0}
    symbols[name] = of
  end
  return of
end

-- orders of the last minute, and how many are added here
local now_s, orders, added, killed
local function count_orders()
  now_s, orders, added = math.floor(asked.now_ms / 1000), 0, 0
  killed = redis.call('EXISTS', kill_switch) == 1
  local seconds = redis.call('HGETALL', rate)
  for at = 1, #seconds, 2 do
    local second = tonumber(seconds[at])
    if second and second > now_s - MINUTE_S then
      orders = orders + (tonumber(seconds[at + 1]) or 0)
    else
      redis.call('HDEL', rate, seconds[at])
    end
  end
end

-- Why an order may not pass, and a detail; nothing where it may. `reserved`: what it holds already.
local function refused(item, of, reserved)
  if not item.adds then return end
  if orders == nil then count_orders() end
  if killed then return 'kill_switch', '' end
  if orders + added >= asked.max_orders then
    return 'max_orders_per_minute', (orders + added) .. ' in the last minute'
  end
  if tonumber(item.worth) > asked.max_order then
    return 'max_notional_per_order', item.worth
  end
  local becomes = math.abs(of.position + tonumber(item.units)) / UNIT * tonumber(item.price) * MICRO
  local held = becomes + of.inflight - reserved
  if held > asked.max_symbol then
    return 'max_notional_per_symbol', string.format('%.0f', held)
  end
  open_count = open_count or redis.call('SCARD', open)
  if not of.open and open_count >= asked.max_open then
    return 'max_open_positions', tostring(open_count)
  end
end

local function passed(name, of)
  if orders == nil then count_orders() end
  added = added + 1
  if not of.open then
    of.open, open_count = true, (open_count or redis.call('SCARD', open)) + 1
    redis.call('SADD', open, name)
  end
end

-- worth: 1e-6 USD, taken where positive, given back where negative
local function reserve(of, worth)
  of.inflight, of.worth, of.changed = of.inflight + worth, of.worth + worth, true
end

local function move(name, of, units, text)
  of.position, of.moved, of.changed = of.position + units, true, true
  if math.abs(units) < EXACT and math.abs(of.units + units) < EXACT then
    of.units = of.units + units
  else
    redis.call('HINCRBY', exposure, 'position:' .. name, text)
  end
end

-- as a decimal number, since Lua's own lose the last digits of large ones
local function decimal(units)
  local sign, digits = string.match(units, '^(-?)(%d+)$')
  digits = string.rep('0', 9 - #digits) .. digits
  local fraction = string.gsub(string.sub(digits, -8), '0+$', '')
  return sign .. string.sub(digits, 1, -9) .. (fraction == '' and '' or '.' .. fraction)
end

local function write_one(name, of, book)
  local position, inflight = 'position:' .. name, 'inflight:' .. name
  if of.units ~= 0 then
    redis.call('HINCRBY', exposure, position, string.format('%.0f', of.units))
  end
  if of.worth ~= 0 then
    redis.call('HINCRBY', exposure, inflight, string.format('%.0f', of.worth))
  end
  local held = redis.call('HMGET', exposure, position, inflight)
  if held[1] == '0' then redis.call('HDEL', exposure, position) end
  if held[2] == '0' then redis.call('HDEL', exposure, inflight) end
  local none = (not held[1] or held[1] == '0') and (not held[2] or held[2] == '0')
  if none then
    redis.call('SREM', open, name)
  elseif not of.open then
    redis.call('SADD', open, name)
  end
  if book ~= '' and of.moved then
    if held[1] and held[1] ~= '0' then
      redis.call('HSET', book, name, decimal(held[1]))
    else
      redis.call('HDEL', book, name)
    end
  end
end

local function write_back(book)
  for name, of in pairs(symbols) do
    if of.changed then write_one(name, of, book) end
  end
  if added and added > 0 then
    redis.call('HINCRBY', rate, now_s, added)
    redis.call('EXPIRE', rate, 2 * MINUTE_S)
  end
end
