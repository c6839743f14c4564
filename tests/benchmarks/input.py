"""Photos a second, from files to batches, next to PyTorch's DataLoader.

    .venv/bin/python tests/benchmarks/input.py build/peer [crops.rec]

Crops of 112 x 112 as JPEG, mirrored at random, batches of 128 float32 photos,
two workers each; files lie in the page cache, and nobody trains meanwhile.
Both read the same files in a folder; ours also the same as one `.rec` file.
The others:

* torchvision: `ImageFolder` (Pillow decodes), `RandomHorizontalFlip`,
  `ToTensor`, `Normalize`;
* InsightFace: its `MXFaceDataset`, with OpenCV as the decoder as in MXNet,
  `ToPILImage` and the same.

Each runs in a process of its own, since PyTorch's workers are forks; they take
turns, epoch by epoch, and the best of each counts. Seconds of the processor,
of all workers, say what is left for a training on the same cores.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

PHOTOS, PEOPLE, BATCH, WORKERS, ROUNDS = 3200, 64, 128, 2, 5
OURS = {
    "FaceBatches, folder": ("people", "mirror"),
    "FaceBatches, .rec": ("train.rec", "mirror"),
    "FaceBatches, .rec, adaface": ("train.rec", "adaface"),
}
DATASET = "face_dataset, .rec"
THEIRS = ("torchvision, folder", "InsightFace, folder")


def write_crops(folder, given):
    """Files of crops: of a data set, or of the two samples, changed."""
    import keras_hypersphere as kh

    if given:
        source = kh.data.open_faces(given)
        crops = (source.read(i % len(source)) for i in range(PHOTOS))
    else:
        crops = made_of_samples(kh)
    for index, data in enumerate(crops):
        place = folder / "people" / f"{index % PEOPLE:03}" / f"{index:05}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    people = kh.data.open_faces(folder / "people")
    kh.data.write_faces_rec(folder / "train.rec", people)


def made_of_samples(kh):
    """JPEGs of the two faces, turned and lit in many ways."""
    from keras_hypersphere.tools.training.crop_file import encoded

    change = kh.augmentation.InTurn(
        augmentations=(
            kh.augmentation.Turn(1.0, 5.0, (1.0, 1.3)),
            kh.augmentation.ColorJitter(1.0),
        )
    )
    draw = np.random.default_rng(0)
    faces = []
    for path in sorted((Path(kh.zoo.__file__).parent / "samples").iterdir()):
        image = kh.zoo.images.read(path)
        [face, *_] = kh.zoo.alignment.detect(image)
        faces.append(kh.zoo.alignment.align(image, face, "arcface"))
    for index in range(PHOTOS):
        yield encoded(change(faces[index % len(faces)], draw))


def ours(name, folder):
    """Batches of an epoch, as `fit` asks for them."""
    import keras_hypersphere as kh

    if name == DATASET:
        source = kh.data.open_faces(folder / "train.rec")
        dataset = kh.data.face_dataset(source, BATCH, scale=1 / 127.5)
        return lambda: iter(dataset)
    file, augmentation = OURS[name]
    batches = kh.data.FaceBatches(
        kh.data.open_faces(folder / file),
        BATCH,
        scale=1 / 127.5,
        augmentation=augmentation,
        workers=WORKERS,
    )

    def epoch():
        batches.on_epoch_begin()
        for index in range(len(batches)):
            yield batches[index]
        batches.on_epoch_end()

    return epoch


def theirs(name, folder, peer):
    """The same of PyTorch."""
    sys.path.insert(1, peer)
    import torch

    # Without the operators that its build for CUDA loads.
    operators = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        operators.define(f"{operator}(Tensor boxes) -> Tensor")
    from torchvision import datasets, transforms

    from keras_hypersphere.face_files.open_faces import open_faces

    changes = transforms.Compose(
        [
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(mean=[0.5] * 3, std=[0.5] * 3),
        ]
    )

    of_array = transforms.Compose([transforms.ToPILImage(), changes])

    class Records(torch.utils.data.Dataset):
        """What InsightFace does with the bytes of a record."""

        source = open_faces(folder / "people")

        def __len__(self):
            return len(self.source)

        def __getitem__(self, index):
            data = np.frombuffer(self.source.read(index), np.uint8)
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            return of_array(image), int(self.source.labels[index])

    loader = torch.utils.data.DataLoader(
        Records()
        if name.startswith("InsightFace")
        else datasets.ImageFolder(folder / "people", changes),
        BATCH,
        shuffle=True,
        num_workers=WORKERS,
        persistent_workers=True,
        drop_last=True,
    )
    return lambda: iter(loader)


def processor_seconds():
    """Of this process and its children, also those that still run."""
    ticks = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        mine = int(place.parent.name) == os.getpid()
        if mine or int(values[1]) == os.getpid():
            ticks += int(values[11]) + int(values[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def serve(name, folder, peer):
    """Runs through an epoch for each line that comes."""
    way = theirs(name, folder, peer) if name in THEIRS else ours(name, folder)
    for _ in sys.stdin:
        begin, used = time.perf_counter(), processor_seconds()
        count = sum(len(y) for _, y in way())
        seconds = time.perf_counter() - begin
        processor = processor_seconds() - used
        print("took", seconds / count, processor / count, flush=True)


def main():
    peer, given = sys.argv[1], (sys.argv[2:] or [None])[0]
    with tempfile.TemporaryDirectory() as folder:
        write_crops(Path(folder), given)
        names = (*OURS, DATASET, *THEIRS)
        servers = {
            name: subprocess.Popen(
                [sys.executable, __file__, "--serve", name, folder, peer],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
            for name in names
        }
        took = {name: [] for name in names}
        # The first starts threads and workers.
        for _ in range(ROUNDS + 1):
            for name, server in servers.items():
                server.stdin.write("go\n")
                server.stdin.flush()
                for line in server.stdout:
                    if line.startswith("took"):
                        took[name].append([float(v) for v in line.split()[1:]])
                        break
                else:
                    raise SystemExit(f"error: {name} broke off")
        for server in servers.values():
            server.stdin.close()
            server.wait()
    report(took, given)


def report(took, given):
    """Prints the best of each."""
    best = {name: np.min(rounds[1:], axis=0) for name, rounds in took.items()}
    rival = min(best[name][0] for name in THEIRS)
    print(f"{PHOTOS} crops of {given or 'the samples'}, {WORKERS} workers")
    print(f"{'':28}  photos a second  of the rival  processor ms a photo")
    for name, (seconds, processor) in best.items():
        print(
            f"{name:28}  {1 / seconds:15.0f}  {rival / seconds:12.2f}"
            f"  {1000 * processor:20.3f}"
        )


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
    else:
        main()
