// Package connector is the contract between the agent and the connectors, which run jobs of one type: on ComfyUI, over an
// HTTP API, or as a simulation.
//
// It is not a plugin system: connectors are compiled in, one package each, and listed in package agent. A connector knows
// nothing of Redis, leases, other jobs or shutting down: it gets one attempt at one job and a context.
//
// # Contract
//
// The suite in connectortest checks this of every connector:
//
//   - Run may be called concurrently. One Connector serves one worker.
//   - Parameters are checked before anything is done. A mistake in them is a [Failure] with code [InvalidParameters], not
//     retriable, whose message names the field.
//   - When ctx ends, Run stops the work, on a remote server too, and returns within a few seconds with an error for which
//     errors.Is(err, context.Cause(ctx)) or errors.Is(err, ctx.Err()) holds. The agent handles the cause: the connector
//     neither releases nor fails the job.
//   - Every other error is a [Failure] with a documented code. Codes come from typed errors and protocol fields, never
//     from searching a message for words.
//   - Files go to [Attempt.Files] as streams, never through memory and never into the queue.
//   - Progress may be reported at any rate, from one goroutine at a time; the agent throttles it. It never goes back.
//   - Run leaves no goroutine behind.
//
// # Failure codes
//
//	code                  retriable  meaning
//	invalid_parameters    no         the job's parameters are wrong; the message names the field and what to write instead
//	unsupported_workflow  no         comfyui: the workflow is in the editor's format, not in API format
//	rejected              no         the service refused the job; the message names the nodes or fields
//	node_error            yes        comfyui: a node raised an exception
//	out_of_memory         yes        the service ran out of (GPU) memory; another machine may do better
//	interrupted           yes        another client interrupted the work at the service
//	service_unreachable   yes        the service does not answer, refuses connections, or cuts them
//	service_restarted     yes        the service came back without the work it had been given
//	protocol              yes        the service answers, but the connector can't read the answer, or it is an error that nothing explains
//	output_missing        yes        an output that the service announced is not there, even after recomputing if possible
//	store                 either     a file could not be written to the blob store; not retriable if the store refuses permanently
//	no_store              no         the job makes files, but the machine has no blob store
//	simulated             either     simulation: the requested failure
//	panic                 yes        the connector has a bug (set by the agent)
//	timeout               yes        the attempt took longer than the job's timeout (set by the agent)
//	internal              yes        an error without a code: a bug in the connector (set by the agent)
package connector
