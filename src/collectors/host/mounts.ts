/** One mounted file system that can fill up. */
export interface Mount {
  /** Where the host sees it. */
  readonly mount: string
  readonly device: string
  readonly fstype: string
  readonly isReadonly: boolean
  /** Where we reach it. */
  readonly path: string
}

export interface MountOptions {
  /** Where the host's root is for us; `/` where we are on the host, or in a container and want to see just that. */
  readonly root: string
  /** The list is of the host's own name space, not of ours: its paths lie below `root`. */
  readonly isForeign: boolean
  readonly ignored: readonly string[]
}

/** More are not looked at: who has thousands of volumes names those that matter by `ignore_mounts`. */
const MOUNTS_MAX = 200

/** What takes no space of its own, or cannot fill up. */
const NO_DISK = new Set(
  (
    'autofs bdev binfmt_misc bpf cgroup cgroup2 configfs cpuset debugfs devpts devtmpfs efivarfs erofs fuse.gvfsd-fuse ' +
    'fuse.lxcfs fuse.portal fusectl hugetlbfs iso9660 mqueue nsfs proc procfs pstore ramfs rpc_pipefs securityfs selinuxfs ' +
    'squashfs sysfs tmpfs tracefs udev'
  ).split(' '),
)

interface Line extends Omit<Mount, 'path'> {
  /** What tells one file system from another: it may be mounted in many places. */
  readonly identity: string
  /** Which part of the file system is mounted; a bind mount shows less than all. */
  readonly part: string
}

/**
 * Real file systems in `/proc/.../mountinfo`, each once, at the shortest path where all of it is seen. An overlay counts
 * only as `/`: elsewhere it is a layer of a container on a disk that is counted already.
 */
export function parseMounts(text: string, options: MountOptions): readonly Mount[] {
  const seen = new Map<string, Line>()
  // Of two mounts on one path the later one hides the other.
  const visible = new Map(
    text
      .split('\n')
      .flatMap((line) => parseLine(line) ?? [])
      .map((line) => [line.mount, line]),
  )
  for (const line of visible.values()) {
    const placed = place(line, options)
    if (placed === undefined || !isWanted(placed, options.ignored)) continue
    const known = seen.get(placed.identity)
    if (known === undefined || isBetter(placed, known)) seen.set(placed.identity, placed)
  }
  return [...seen.values()]
    .toSorted((a, b) => a.mount.length - b.mount.length || (a.mount < b.mount ? -1 : 1))
    .slice(0, MOUNTS_MAX)
    .map(({ mount, device, fstype, isReadonly }) => ({
      mount,
      device,
      fstype,
      isReadonly,
      path: options.root === '/' ? mount : `${options.root.replace(/\/$/, '')}${mount}`,
    }))
}

/** `36 35 98:0 /part /mount options optional... - type source super-options` (proc(5)). */
function parseLine(line: string): Line | undefined {
  const [front = '', back = ''] = line.split(' - ')
  const [, , number, part, mount] = front.split(' ')
  const [fstype, source, superOptions = ''] = back.split(' ')
  if (number === undefined || part === undefined || mount === undefined) return undefined
  if (fstype === undefined || source === undefined) return undefined
  const device = unescaped(source)
  return {
    mount: unescaped(mount),
    device,
    fstype,
    // The file system itself, not this view of it: containers and `ProtectSystem=` mount what others write to as `ro`.
    isReadonly: hasOption(superOptions, 'ro'),
    // Each subvolume of btrfs has a number of its own, and all share one space.
    identity: fstype === 'btrfs' ? device : number,
    part: unescaped(part),
  }
}

function hasOption(options: string, name: string): boolean {
  return options.split(',').includes(name)
}

/** Spaces and the like are written as `\040`. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** The mount as the host sees it. In our own list, only what lies below the host's root is the host's. */
function place(line: Line, { root, isForeign }: MountOptions): Line | undefined {
  if (isForeign || root === '/') return line
  const base = root.replace(/\/$/, '')
  if (line.mount === base) return { ...line, mount: '/' }
  return line.mount.startsWith(`${base}/`) ? { ...line, mount: line.mount.slice(base.length) } : undefined
}

function isWanted({ mount, fstype }: Line, ignored: readonly string[]): boolean {
  if (NO_DISK.has(fstype) || (fstype === 'overlay' && mount !== '/')) return false
  return !ignored.some((path) => mount === path || mount.startsWith(`${path.replace(/\/$/, '')}/`))
}

function isBetter(line: Line, known: Line): boolean {
  if ((line.part === '/') !== (known.part === '/')) return line.part === '/'
  return line.mount.length < known.mount.length
}
