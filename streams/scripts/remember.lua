-- Remember a symbol's leverage that the exchange has confirmed, unless another set one meanwhile:
-- then nobody knows which of the two came last.
--
-- KEYS  leverages
-- ARGV  symbol, our token, leverage
-- Gives 1 | 0: it is not known
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  return 1
end
redis.call('HDEL', KEYS[1], ARGV[1])
return 0
