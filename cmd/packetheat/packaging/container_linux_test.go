package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestContainer builds the image where buildah is there, and looks at what is in it: a
// program with the one capability, a user that is not root, folders that are that user's.
func TestContainer(t *testing.T) {
	if _, err := exec.LookPath("buildah"); err != nil || os.Geteuid() != 0 {
		t.Skip("building the image needs buildah and root")
	}
	need(t, "setcap", "getcap")
	dir := t.TempDir()
	storage := filepath.Join(dir, "storage.conf")
	text := "[storage]\ndriver = \"vfs\"\nrunroot = \"" + dir + "/run\"\ngraphroot = \"" + dir + "/graph\"\n"
	if err := os.WriteFile(storage, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"CONTAINERS_STORAGE_CONF=" + storage, "STORAGE_DRIVER=vfs", "BUILDAH_ISOLATION=chroot"}
	_, tarball := pack(t, program(t), "1.0.0")
	run(t, env, "./container/build", tarball, "packetheat-test")
	container := strings.TrimSpace(run(t, env, "buildah", "from", "packetheat-test"))
	defer run(t, env, "buildah", "rm", container)
	root := strings.TrimSpace(run(t, env, "buildah", "mount", container))
	defer run(t, env, "buildah", "umount", container)
	if got := run(t, nil, "getcap", root+"/usr/bin/packetheat"); !strings.Contains(got, "cap_net_raw=ep") {
		t.Errorf("the capabilities of the program are %q, want cap_net_raw=ep", got)
	}
	for path, want := range map[string]string{"/var/lib/packetheat": "65532:65532 750\n", "/run/packetheat": "65532:65532 750\n", "/var/lib": "0:0 755\n", "/usr/bin/packetheat": "0:0 755\n"} {
		if got := run(t, nil, "stat", "-c", "%u:%g %a", root+path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if got := run(t, env, "buildah", "inspect", "--format", "{{.OCIv1.Config.User}}", container); strings.TrimSpace(got) != "65532:65532" {
		t.Errorf("the user of the image is %q", got)
	}
}
