# ruff: noqa: E402
"""Train the network of notebook 09 on two quadrants of the nuclei, and write it with its card."""

from utils import project

project.start()  # before TensorFlow is loaded: it sets what TensorFlow reads then

from tests.benchmarks import ship, studies_nuclei
from utils import training

NAME = "unet_nuclei"
SEED = 0


def main():
    parts = studies_nuclei.quadrants()
    pictures, labels = zip(*(parts[name] for name in studies_nuclei.TRAIN))
    model, history = studies_nuclei.fit(pictures, labels, parts[studies_nuclei.VALIDATION], SEED)
    ship.ship(
        NAME,
        model,
        studies_nuclei.NETWORK,
        seed=SEED,
        classes=["ground", "inside", "border"],
        training={
            "quadrants": list(studies_nuclei.TRAIN), "crops": studies_nuclei.CROPS, "epochs": studies_nuclei.EPOCHS,
            "batch_size": training.DEEP.batch_size, "peak_learning_rate": training.DEEP.peak,
            "seconds": round(history.seconds[-1]),
        },
        test={"quadrant": studies_nuclei.TEST, **studies_nuclei.score(model, *parts[studies_nuclei.TEST])},
    )  # fmt: skip


if __name__ == "__main__":
    main()
