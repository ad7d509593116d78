-- Puts another seal of the same text in its place, unless it is gone, or another one by now.
--
-- KEYS: an account's texts (a hash: id -> sealed).
-- ARGV: id, sealed text that was read, sealed text from now on.
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
