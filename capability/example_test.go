package capability_test

import (
	"fmt"

	"github.com/emprops/machinectl/capability"
)

// A job states what it needs, a worker states what it offers, and Match compares the two.
func ExampleRequirements_Match() {
	needs, err := capability.Parse("comfyui", []string{"gpu"}, map[string]any{
		"gpu.memory": ">=24GiB",
		"model":      []any{"flux-dev"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	large := capability.Offer{Type: "comfyui", Flags: []string{"cuda", "gpu"}, Attrs: map[string]any{
		"gpu.memory": "48GiB",
		"model":      []string{"flux-dev", "sdxl"},
	}}
	small := capability.Offer{Type: "comfyui", Flags: []string{"gpu"}, Attrs: map[string]any{"gpu.memory": "8GiB"}}

	fmt.Println(needs.Match(large))
	fmt.Println(needs.Match(small))
	// Output:
	// <nil>
	// needs gpu.memory >=24GiB, worker offers 8GiB
}

// Requirements with the same meaning belong to the same class, however they are written.
func ExampleParse() {
	one, _ := capability.Parse("comfyui", []string{"gpu", "cuda"}, map[string]any{"gpu.memory": ">= 24 GiB"})
	two, _ := capability.Parse("comfyui", []string{"cuda", "gpu", "gpu"}, map[string]any{"gpu.memory": map[string]any{"min": "24576MiB"}})
	fmt.Println(one.Constraints[0].Expr, one.Class() == two.Class())

	_, err := capability.Parse("comfyui", nil, map[string]any{"gpu.memory": ">=24Gigs"})
	fmt.Println(err)
	// Output:
	// >=24GiB true
	// requires["gpu.memory"]: >=24Gigs: "24Gigs" has no order: compare with a number, a version or a quantity such as 24GiB
}
