// Package comfyui is the connector that runs ComfyUI workflows on a stock ComfyUI server: POST /prompt, /ws, /history,
// /view, /queue, /interrupt. It needs no fork and no custom node.
//
// It is not a ComfyUI client for people: it runs one prompt per job, in API format, and collects what it leaves.
//
// # One attempt
//
//	check the workflow ─▶ connect /ws ─▶ POST /prompt ─▶ follow ─▶ GET /history/{id} ─▶ GET /view … ─▶ result
//
// The WebSocket is connected before the prompt is posted, so that no message is missed; but it is only the fast way to hear
// of progress and of the end. The truth is in /queue and /history, which are asked every few seconds, whenever the socket
// drops, and when it says that the prompt has ended. So a prompt which ends while nobody listens (all of it cached, for
// example) is noticed, and a server that was restarted, which has forgotten the prompt, is told from one that is slow: a
// prompt is in the queue's answer or in the history's, if one asks in this order.
//
// "execution_success" is sent before the history has the outputs; "executing" with node null is sent after. Neither is
// trusted: the history's entry is what counts.
//
// The prompt's id is made here and sent along, and the client id is the attempt's own, so that the prompt can be found and
// stopped even when the answer to POST /prompt was lost, and on older servers that choose the id themselves.
//
// # Outputs
//
// Every file that any output node lists (images, gifs, audio, video, 3d, …) with type "output" is streamed into the blob
// store; files of type "temp" (previews) only if there are no others. Texts come back as data:
// {"prompt_id": "…", "text": {"<node id>": ["…"]}}.
//
// Messages and routes are those of ComfyUI's server.py and execution.py, version 0.3.64. The contract suite in comfytest runs
// against the simulated server in comfysim and against a real one; where they differ, the simulated one is wrong.
package comfyui
