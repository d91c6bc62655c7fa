-- scan claims a job the way the predecessor did: it reads the top waiting jobs with their payloads and takes the first that fits.
-- KEYS: the waiting jobs (ZSET, score = order)
-- ARGV: 1 how many jobs to read, 2 the worker's capabilities as JSON, 3 the worker, 4 the prefix of the jobs' hashes,
--       5 the current time
-- Returns: the job's id and payload, or nothing.
local worker = cjson.decode(ARGV[2])
local services = {}
for _, s in ipairs(worker.services) do services[s] = true end
local models = {}
for _, m in ipairs(worker.models) do models[m] = true end

local function fits(job)
  if not services[job.service_required] then return false end
  local needs = cjson.decode(job.requirements)
  if needs.gpu_memory and needs.gpu_memory > worker.gpu_memory then return false end
  for _, m in ipairs(needs.models or {}) do
    if not models[m] then return false end
  end
  return true
end

for _, id in ipairs(redis.call("ZRANGE", KEYS[1], 0, ARGV[1] - 1)) do
  local flat = redis.call("HGETALL", ARGV[4] .. id)
  local job = {}
  for i = 1, #flat, 2 do job[flat[i]] = flat[i + 1] end
  if fits(job) then
    redis.call("ZREM", KEYS[1], id)
    redis.call("HSET", ARGV[4] .. id, "status", "assigned", "worker", ARGV[3], "assigned_at", ARGV[5])
    return { id, job.payload }
  end
end
return {}
